// Feeds a tile with steps, one a line of a file (hexadecimal payload, or - for none), over and over, and prints the sums
// of the first time. usage: simulator STEPS REPEATS [+scf_bank_dir=DIR]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "Vtile.h"
#include "verilated.h"

int main(int argc, char** argv) {
  std::vector<long> steps;
  std::FILE* file = std::fopen(argv[1], "r");
  char line[64];
  while (file && std::fgets(line, sizeof line, file)) steps.push_back(line[0] == '-' ? -1 : std::strtol(line, nullptr, 16));
  auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
  auto tile = std::make_unique<Vtile>(context.get());
  const long repeats = std::atol(argv[2]);
  auto cycle = [&](long payload, bool reset, bool print) {
    tile->rst = reset;
    tile->west_valid = payload >= 0;
    tile->west_payload = payload >= 0 ? payload : 0;
    tile->north_valid = 0;
    tile->north_payload = 0;
    tile->clk = 0;
    tile->eval();
    // What a register beyond the seam would take with the rising edge.
    if (print && tile->south_valid) std::printf("%d\n", static_cast<int>(tile->south_payload << 8) >> 8);
    tile->clk = 1;
    tile->eval();
  };
  for (int n = 0; n < 4; ++n) cycle(-1, true, false);
  cycle(-1, false, false);  // in which the tile is still reset
  const std::clock_t start = std::clock();  // of the processor: other programs run beside this one
  for (long r = 0; r < repeats; ++r)
    for (long payload : steps) cycle(payload, false, r == 0);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("SPEED %.0f\n", repeats * steps.size() / seconds);
  return 0;
}
