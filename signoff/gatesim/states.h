// Keeps what is traced after each evaluation, from the text of Verilator's trace as it is written.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "Vtile.h"
#include "verilated_vcd_c.h"

class States final : VerilatedVcdFile {
 public:
  States() : trace{this} {}

  void watch(Vtile& tile) { tile.trace(&trace, 99); }

  // From here on; what is now is the first sample.
  void begin() {
    trace.open("");
    look();
  }

  // After each evaluation.
  void look() {
    if (trace.isOpen()) trace.dump(time++);
  }

  // Writes a line for each bit, its name and number, and an empty one; then the samples, eight bits a byte, the
  // lowest first.
  bool end(const char* path) {
    trace.close();
    sample();
    std::FILE* file = std::fopen(path, "w");
    if (!file) return false;
    for (const Name& n : names) {
      const Signal& s = signals[n.code];
      for (unsigned bit = 0; bit < s.width; ++bit) {
        std::fputs(n.name.c_str(), file);
        if (n.bus) std::fprintf(file, "[%ld]", n.msb > n.lsb ? n.lsb + long(bit) : n.lsb - long(bit));
        std::fprintf(file, " %lu\n", static_cast<unsigned long>(s.first + bit));
      }
    }
    std::fputc('\n', file);
    std::fwrite(samples.data(), 1, samples.size(), file);
    return std::fclose(file) == 0;
  }

 private:
  struct Signal {
    size_t first = 0;
    unsigned width = 0;
  };
  struct Name {
    std::string name;
    size_t code;
    bool bus;
    long msb, lsb;
  };

  VerilatedVcdC trace;
  uint64_t time = 0;
  std::string line;                // begun, not yet at its end
  std::vector<std::string> scope;  // while the header is read
  std::vector<Name> names;
  std::vector<Signal> signals;  // by code
  std::string bits;             // '0' or '1', by number
  std::string samples;
  bool sampling = false;

  bool open(const std::string&) override { return true; }
  void close() override {}

  ssize_t write(const char* text, ssize_t length) override {
    for (const char *at = text, *stop = text + length; at < stop; ++at) {
      if (*at != '\n') {
        line += *at;
        continue;
      }
      if (!line.empty()) take();
      line.clear();
    }
    return length;
  }

  void take() {
    switch (line[0]) {
      case '0':
      case '1': bits[signals[code(line.c_str() + 1)].first] = line[0]; break;
      case 'b': {
        const size_t space = line.find(' ');
        const Signal& s = signals[code(line.c_str() + space + 1)];
        for (size_t n = 1; n < space; ++n) bits[s.first + space - 1 - n] = line[n];
        break;
      }
      case '#':
        if (sampling) sample();  // what came after the time before
        sampling = true;
        break;
      default: declare();
    }
  }

  void sample() {
    for (size_t at = 0; at < bits.size(); at += 8) {
      char byte = 0;
      for (size_t bit = 0; bit < 8 && at + bit < bits.size(); ++bit) byte |= char((bits[at + bit] == '1') << bit);
      samples += byte;
    }
  }

  static size_t code(const char* text) {
    size_t value = 0, scale = 1;
    for (const char* at = text; *at; ++at, scale *= 94) value += (*at - '!' + (at > text)) * scale;
    return value;
  }

  // A line of the header: $scope module NAME $end | $upscope $end | $var wire WIDTH CODE NAME [MSB:LSB] $end
  void declare() {
    std::vector<std::string> words;
    for (size_t at = 0; at < line.size();) {
      const size_t begin = line.find_first_not_of(' ', at);
      if (begin == std::string::npos) break;
      at = std::min(line.find(' ', begin), line.size());
      words.push_back(line.substr(begin, at - begin));
    }
    if (words.empty()) return;
    if (words[0] == "$scope") scope.push_back(words[2]);
    if (words[0] == "$upscope") scope.pop_back();
    if (words[0] != "$var") return;
    Name n{"", code(words[3].c_str()), words.size() > 6, 0, 0};
    for (const std::string& s : scope) n.name += s + ".";
    n.name += words[4];
    if (n.bus) std::sscanf(words[5].c_str(), "[%ld:%ld]", &n.msb, &n.lsb);
    if (n.code >= signals.size()) signals.resize(n.code + 1);
    Signal& s = signals[n.code];
    if (!s.width) {  // else another name of the same
      s.first = bits.size();
      s.width = static_cast<unsigned>(std::atol(words[2].c_str()));
      bits.resize(s.first + s.width, '0');
    }
    names.push_back(n);
  }
};
