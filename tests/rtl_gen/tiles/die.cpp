// A host of a die, or of a chain of them, told by lines on standard input; prints each byte that comes with its cycle.
//   send HEX   bytes to offer        wait N    run until N more have come, at most LIMIT cycles
//   run N      cycles                reset     for four cycles; what was not taken is dropped
//   pace A B   offer a byte in every A-th cycle only, and take one in every B-th
//   return     from here on offer every byte that comes, before those that are still to be sent
// usage: simulator LIMIT [+scf_bank_dir=DIR]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <iostream>
#include <memory>
#include <string>

#include "Vdie.h"
#include "verilated.h"

int main(int argc, char** argv) {
  auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
  auto die = std::make_unique<Vdie>(context.get());
  const long limit = std::atol(argv[1]);
  std::deque<int> queue, returned;
  bool returns = false;
  long now = 0, offer = 1, take = 1, came = 0;
  auto cycle = [&](bool reset) {
    std::deque<int>& next = returned.empty() ? queue : returned;
    const bool offers = !next.empty() && now % offer == 0 && !reset;
    die->rst = reset;
    die->rx_valid = offers;
    die->rx_payload = offers ? next.front() : 0xff;
    die->tx_ready = now % take == 0 && !reset;
    die->clk = 0;
    die->eval();
    if (offers && die->rx_ready) next.pop_front();
    if (!reset && die->tx_valid && die->tx_ready) {
      std::printf("BYTE %d %ld\n", die->tx_payload, now);
      if (returns) returned.push_back(die->tx_payload);
      ++came;
    }
    die->clk = 1;
    die->eval();
    ++now;
  };
  for (int n = 0; n < 4; ++n) cycle(true);
  const std::clock_t start = std::clock();  // of the processor: other programs run beside this one
  std::string word, hex;
  while (std::cin >> word) {
    long n = 0;
    if (word == "send") {
      std::cin >> hex;
      for (size_t at = 0; at + 1 < hex.size(); at += 2) queue.push_back(std::stoi(hex.substr(at, 2), nullptr, 16));
    } else if (word == "wait") {
      std::cin >> n;
      const long until = came + n, end = now + limit;
      while (came < until && now < end) cycle(false);
      if (came < until) {
        std::printf("SILENT %ld\n", now);
        return 1;
      }
    } else if (word == "run") {
      std::cin >> n;
      while (n-- > 0) cycle(false);
    } else if (word == "pace") {
      std::cin >> offer >> take;
    } else if (word == "return") {
      returns = true;
    } else if (word == "reset") {
      queue.clear();
      returned.clear();
      for (n = 0; n < 4; ++n) cycle(true);
    }
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("SPEED %ld %.0f\n", now, now / (seconds > 0 ? seconds : 1e-9));
  return 0;
}
