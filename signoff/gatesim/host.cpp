// The host of a chip, or of a chain of them: resets it, sends requests, prints every byte that comes back.
//
// usage: simulator DIES REQUESTS PATIENCE [FROM TO] [+verilator...]
// A line of the file REQUESTS has what is sent, in hexadecimal, and the number of bytes that answer it. Ends after all
// answers, or when nothing came for PATIENCE cycles. Prints
//   BEGIN when reset is over | TOKEN value cycle | END cycle | FAULT why
// Die n reads its ROMs from the folder die<n>. A single die is sent everything as fast as it takes it. In a chain a die
// hears what the one before it says; the host returns every byte that comes from the last one to the first, and sends
// the next request after it has returned all that answers the one before.
// With FROM and TO, which need SCF_STATES, writes die<n>/states: what all that holds a value was after each edge of the
// clock between the tokens of these numbers, of which 0 is the end of reset and 1 the first that comes back.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "Vtile.h"
#include "verilated.h"
#ifdef SCF_STATES
#include "states.h"
#endif

#ifndef RX_DATA  // names of the ports with bytes
#define RX_DATA rx_data
#define TX_DATA tx_data
#endif

static const long RESET_CYCLES = 4;
static const long LINK_CYCLES = 3;   // from a byte that leaves a die to the same at the next one
static const size_t LINK_BYTES = 8;  // that wait there, or are on the way

struct Request {
  std::vector<unsigned char> bytes;
  long answer;
};

// A die, and the bytes that wait for it, each with the cycle in which it is there.
struct Die {
  std::unique_ptr<VerilatedContext> context;
  std::unique_ptr<Vtile> tile;
#ifdef SCF_STATES
  std::unique_ptr<States> states;
#endif
  std::string folder;
  std::deque<std::pair<unsigned char, long>> heard;

  Die(long number, int argc, char** argv) : context(new VerilatedContext), folder("die" + std::to_string(number)) {
    std::vector<std::string> words(argv, argv + argc);
    words.push_back("+scf_bank_dir=" + folder);
    std::vector<const char*> pointers;
    for (const std::string& word : words) pointers.push_back(word.c_str());
    context->commandArgs(static_cast<int>(pointers.size()), pointers.data());
#ifdef SCF_STATES
    context->traceEverOn(true);
#endif
    tile.reset(new Vtile(context.get()));
#ifdef SCF_STATES
    states.reset(new States);
    states->watch(*tile);
#endif
    tile->clk = 0;
    tile->rx_valid = 0;
    tile->RX_DATA = 0;
    tile->tx_ready = 1;
  }

  void settle(bool clock) {
    Verilated::threadContextp(context.get());  // whose ROMs are read in the first evaluation
    tile->clk = clock;
    tile->eval();
#ifdef SCF_STATES
    states->look();
#endif
  }
};

static int fault(const char* why) {
  std::printf("FAULT %s\n", why);
  return 2;
}

static bool read_requests(const char* path, std::vector<Request>& requests) {
  std::ifstream file(path);
  std::string hex;
  for (long answer; file >> hex >> answer;) {
    Request request{{}, answer};
    for (size_t at = 0; at + 1 < hex.size(); at += 2)
      request.bytes.push_back(static_cast<unsigned char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    requests.push_back(request);
  }
  return !requests.empty();
}

int main(int argc, char** argv) {
  if (argc < 4) return fault("usage: simulator DIES REQUESTS PATIENCE");
  const long count = std::atol(argv[1]), patience = std::atol(argv[3]);
  std::vector<Request> requests;
  if (count < 1 || !read_requests(argv[2], requests)) return fault("there is no die, or no request");
  const bool counted = argc > 5 && argv[4][0] != '+' && argv[5][0] != '+';
#ifdef SCF_STATES
  const long from = counted ? std::atol(argv[4]) : -1, to = counted ? std::atol(argv[5]) : -1;
#else
  if (counted) return fault("this simulator does not tell states");
#endif
  const bool chained = count > 1;
  long wanted = 0;
  for (const Request& r : requests) wanted += r.answer;

  std::vector<Die> dies;
  dies.reserve(static_cast<size_t>(count));
  for (long n = 0; n < count; ++n) dies.emplace_back(n, argc, argv);
  size_t request = 0;
  long seen = 0, answered = 0, quiet = 0;
  for (long cycle = -RESET_CYCLES;; ++cycle) {
    if (cycle == 0) {
      std::printf("BEGIN\n");
      std::fflush(stdout);
#ifdef SCF_STATES
      if (from == 0)
        for (Die& die : dies) die.states->begin();
#endif
    }
    // The next request: at once, or when the chain has been returned what it said to the one before.
    while (cycle >= 0 && request < requests.size() &&
           (request == 0 || !chained || answered == requests[request - 1].answer)) {
      for (unsigned char byte : requests[request].bytes) dies[0].heard.emplace_back(byte, cycle);
      ++request;
      answered = 0;
    }
    // Inputs change while the clock is low; outputs are sampled before it rises.
    for (size_t n = 0; n < dies.size(); ++n) {
      Vtile& tile = *dies[n].tile;
      const auto& heard = dies[n].heard;
      tile.rst = cycle < 0;
      tile.rx_valid = cycle >= 0 && !heard.empty() && heard.front().second <= cycle;
      tile.RX_DATA = heard.empty() ? 0 : heard.front().first;
      tile.tx_ready = n + 1 == dies.size() || dies[n + 1].heard.size() < LINK_BYTES;
      dies[n].settle(false);
    }
    int value = -1;
    for (size_t n = 0; n < dies.size(); ++n) {
      Vtile& tile = *dies[n].tile;
      const bool taken = cycle >= 0 && tile.rx_valid && tile.rx_ready;
      const bool came = cycle >= 0 && tile.tx_valid && tile.tx_ready;
      const unsigned char said = tile.TX_DATA;
      dies[n].settle(true);
      if (taken) dies[n].heard.pop_front();
      if (!came) continue;
      if (n + 1 < dies.size())
        dies[n + 1].heard.emplace_back(said, cycle + LINK_CYCLES);
      else
        value = said;
    }
    ++quiet;
    if (value >= 0) {
      std::printf("TOKEN %d %ld\n", value, cycle);
      std::fflush(stdout);
      quiet = 0;
      ++seen;
      ++answered;
      if (chained) dies[0].heard.emplace_back(static_cast<unsigned char>(value), cycle + 1);
#ifdef SCF_STATES
      for (Die& die : dies) {
        if (seen == from) die.states->begin();
        if (seen == to && !die.states->end((die.folder + "/states").c_str()))
          return fault("states cannot be written");
      }
#endif
      if (seen == wanted) {
        std::printf("END %ld\n", cycle + 1);
        return 0;
      }
    }
    bool stopped = false;
    for (const Die& die : dies) stopped = stopped || die.context->gotFinish();
    if (quiet > patience || stopped) break;
  }
  std::printf("FAULT no token for %ld cycles\n", quiet);
  return 1;
}
