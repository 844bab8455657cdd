// Runs a rom tile for one program: steps enter at the west, sums from the tile to its north.
// usage: simulator STEPS NORTH SOUTH [+scf_bank_dir=DIR]
// STEPS: an int64 for each cycle, the payload, or -1 without a step. NORTH: two int32 for each cycle, valid and payload;
// may be empty. SOUTH, written: the same for what a register beyond the seam would take.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "Vtile.h"
#include "verilated.h"

template <typename T>
static std::vector<T> load(const char* path) {
  std::vector<T> out;
  if (std::FILE* file = std::fopen(path, "rb")) {
    std::fseek(file, 0, SEEK_END);
    out.resize(std::ftell(file) / sizeof(T));
    std::rewind(file);
    if (std::fread(out.data(), sizeof(T), out.size(), file) != out.size()) out.clear();
    std::fclose(file);
  }
  return out;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto steps = load<std::int64_t>(argv[1]);
  const auto north = load<std::int32_t>(argv[2]);
  std::vector<std::int32_t> south;
  auto context = std::make_unique<VerilatedContext>();
  context->commandArgs(argc, argv);
  context->randReset(2);
  context->randSeed(1);
  auto tile = std::make_unique<Vtile>(context.get());
  auto cycle = [&](std::int64_t step, std::size_t at, int until = 0) {  // cycles until the first step
    tile->rst = until > 1;  // in the cycle behind it the tile is still reset
    tile->west_valid = step >= 0;
    tile->west_payload = step >= 0 ? step : 0;
    // The tile to the north got its steps two cycles earlier, so what it sends then is taken now.
    const bool there = !until && 2 * at + 5 < north.size();
    tile->north_valid = there && north[2 * at + 4];
    tile->north_payload = there ? north[2 * at + 5] & 0xffffff : 0;
    tile->clk = 0;
    tile->eval();
    if (!until) {
      south.push_back(tile->south_valid);
      south.push_back(static_cast<std::int32_t>(tile->south_payload << 8) >> 8);
    }
    tile->clk = 1;
    tile->eval();
  };
  for (int n = 5; n > 0; --n) cycle(-1, 0, n);
  for (std::size_t n = 0; n < steps.size(); ++n) cycle(steps[n], n);
  tile->final();
  std::FILE* out = std::fopen(argv[3], "wb");
  if (!out || std::fwrite(south.data(), sizeof(std::int32_t), south.size(), out) != south.size()) return 3;
  return std::fclose(out) ? 3 : 0;
}
