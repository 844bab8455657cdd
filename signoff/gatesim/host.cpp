// The host of a chip: resets it, sends the bytes of a file, prints every byte that comes back.
//
// usage: simulator REQUESTS TOKENS PATIENCE [FROM TO] [+verilator...] [+scf_bank_dir=DIR]
// Ends after TOKENS tokens, or when none came for PATIENCE cycles. Prints
//   BEGIN when reset is over | TOKEN value cycle | END cycle | FAULT why
// With FROM and TO, which need SCF_RISES, writes rises.txt: how often each net rose between the tokens of these
// numbers, of which 0 is the end of reset and 1 the first that comes back.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vtile.h"
#include "verilated.h"
#ifdef SCF_RISES
#include "rises.h"
#endif

#ifndef RX_DATA  // names of the ports with bytes
#define RX_DATA rx_data
#define TX_DATA tx_data
#endif

static const long RESET_CYCLES = 4;

int main(int argc, char** argv) {
  if (argc < 4) {
    std::printf("FAULT usage: simulator REQUESTS TOKENS PATIENCE\n");
    return 2;
  }
  std::FILE* file = std::fopen(argv[1], "rb");
  if (!file) {
    std::printf("FAULT %s cannot be read\n", argv[1]);
    return 2;
  }
  std::vector<unsigned char> bytes;
  for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<unsigned char>(c));
  std::fclose(file);
  const long tokens = std::atol(argv[2]), patience = std::atol(argv[3]);
  const bool counted = argc > 5 && argv[4][0] != '+' && argv[5][0] != '+';
#ifndef SCF_RISES
  if (counted) {
    std::printf("FAULT this simulator does not count rises\n");
    return 2;
  }
#endif

  auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
#ifdef SCF_RISES
  context->traceEverOn(true);
  const long from = counted ? std::atol(argv[4]) : -1, to = counted ? std::atol(argv[5]) : -1;
  Rises rises;
#endif
  auto tile = std::make_unique<Vtile>(context.get());
#ifdef SCF_RISES
  rises.watch(*tile);
#define LOOK() rises.look()
#else
#define LOOK()
#endif
  size_t sent = 0;
  long seen = 0, quiet = 0;
  tile->clk = 0;
  tile->rx_valid = 0;
  tile->RX_DATA = 0;
  tile->tx_ready = 1;
  for (long cycle = -RESET_CYCLES; !context->gotFinish(); ++cycle) {
    if (cycle == 0) {
      std::printf("BEGIN\n");
      std::fflush(stdout);
#ifdef SCF_RISES
      if (from == 0) rises.begin();
#endif
    }
    // Inputs change while the clock is low; outputs are sampled before it rises.
    tile->rst = cycle < 0;
    tile->rx_valid = cycle >= 0 && sent < bytes.size();
    tile->RX_DATA = sent < bytes.size() ? bytes[sent] : 0;
    tile->clk = 0;
    tile->eval();
    LOOK();
    const bool taken = cycle >= 0 && tile->rx_valid && tile->rx_ready;
    const bool came = cycle >= 0 && tile->tx_valid;
    const int value = tile->TX_DATA;
    tile->clk = 1;
    tile->eval();
    LOOK();
    if (taken) ++sent;
    ++quiet;
    if (came) {
      std::printf("TOKEN %d %ld\n", value, cycle);
      std::fflush(stdout);
      quiet = 0;
      ++seen;
#ifdef SCF_RISES
      if (seen == from) rises.begin();
      if (seen == to && !rises.end("rises.txt")) {
        std::printf("FAULT rises.txt cannot be written\n");
        return 2;
      }
#endif
      if (seen == tokens) {
        std::printf("END %ld\n", cycle + 1);
        return 0;
      }
    }
    if (quiet > patience) break;
  }
  std::printf("FAULT no token for %ld cycles\n", quiet);
  return 1;
}
