/* Runs a routed netlist without delays, and tells what all that holds a value holds at cuts of the run.
 *
 * usage: ahead BEGIN REQUESTS TOKENS PATIENCE RESET PARTS
 *   BEGIN     what holds a value, and which at first, a line each: flop NAME 0|1; memory NAME Q WORD..., hexadecimal,
 *             of a ROM without words: those are in NAME.hex
 *   REQUESTS  bytes that are sent, in hexadecimal, each as soon as it is taken
 *   TOKENS    ends after so many bytes that came back; or when none came for PATIENCE cycles
 *   RESET     1: reset changes after the clock has fallen, 0: before
 *   PARTS     how many, as long as each other
 * Writes for the second part and all after it what it begins with, as BEGIN, to part1, part2 ... Prints for each
 *   CUT cycle sent seen   bytes sent and come back before the cycle in which it begins; in the one before none was taken
 * and at last END cycle, or FAULT why. `netlist.h` is written by ahead.py.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char bit;
/* A macro: `pins` is where its own begin in PINS: clk, enable, eight of a, then as many as told here; q at the end. */
typedef struct { int words, pins, b_n, select, write, d, q; } Memory;

#define FLOP(i, state, clock, data) next[i] = clock & !high[i] ? data : state; high[i] = clock;
#define GATE(i, out, clock, enable) if (clock & !before[i]) lets[i] = enable; before[i] = clock; out = clock & lets[i];
#include "netlist.h"

enum { HOST_RESET = 4, MOST = 65536, LONGEST = 1 << 20 };
typedef struct {
  char *name;
  bit *cells, *q, *begin; /* words, bit by bit; what is read; both as they begin */
  bit high;
  int bits, size; /* of a word; of all words */
} Held;
static Held held[MEMORIES + 1];
static char *names[FLOPS + 1];
static bit begin[FLOPS + 1];
static unsigned char bytes[MOST];
static int sent_bytes;

static int fault(const char *why) {
  printf("FAULT %s\n", why);
  exit(0);
}

/* Bits of a hexadecimal number, the lowest first. */
static void of_hex(const char *text, bit *to, int bits) {
  const int digits = (int)strlen(text);
  for (int i = 0; i < bits; ++i) {
    const char c = i / 4 < digits ? text[digits - 1 - i / 4] : '0';
    to[i] = (isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10) >> i % 4 & 1;
  }
}

static void hex(FILE *file, const bit *from, int bits) {
  for (int digit = (bits - 1) / 4; digit >= 0; --digit) {
    int value = 0;
    for (int i = 3; i >= 0; --i) value = 2 * value + (4 * digit + i < bits ? from[4 * digit + i] : 0);
    fputc("0123456789abcdef"[value], file);
  }
}

static void read_rom(Held *h) {
  char path[4096];
  static char word[LONGEST];
  FILE *file;
  snprintf(path, sizeof path, "%s.hex", h->name);
  file = fopen(path, "r");
  if (!file) fault("contents of a ROM cannot be read");
  for (int at = 0; at < h->size && fscanf(file, "%1048575s", word) == 1; at += h->bits)
    of_hex(word, h->cells + at, h->bits);
  fclose(file);
}

static void read_begin(const char *path) {
  static char word[LONGEST];
  FILE *file = fopen(path, "r");
  int flops = 0, memories = 0;
  if (!file) fault("what it begins with cannot be read");
  while (fscanf(file, "%1048575s", word) == 1) {
    if (!strcmp(word, "flop") && flops < FLOPS && fscanf(file, "%1048575s", word) == 1) {
      names[flops] = strdup(word);
      if (fscanf(file, "%hhu", &begin[flops++]) != 1) fault("a flop begins with nothing");
    } else if (!strcmp(word, "memory") && memories < MEMORIES && fscanf(file, "%1048575s", word) == 1) {
      const Memory *m = &MEMORY[memories];
      Held *h = &held[memories++];
      h->name = strdup(word);
      h->bits = m->write ? m->q : m->q * (m->select ? m->select : 1);
      h->size = h->bits * m->words;
      h->cells = calloc(h->size + 2 * (h->size + m->q), 1);
      h->q = h->cells + h->size;
      h->begin = h->q + m->q;
      if (fscanf(file, "%1048575s", word) != 1) fault("a memory begins with nothing");
      of_hex(word, h->begin, m->q);
      for (int at = 0; m->write && at < h->size; at += h->bits) {
        if (fscanf(file, "%1048575s", word) != 1) fault("an SRAM begins with too few words");
        of_hex(word, h->begin + m->q + at, h->bits);
      }
      if (!m->write) read_rom(h);
    } else fault("it begins with something that is not in the netlist");
  }
  fclose(file);
  if (flops < FLOPS || memories < MEMORIES) fault("something of the netlist begins with nothing");
}

static void write_part(int part) {
  char path[32];
  FILE *file;
  snprintf(path, sizeof path, "part%d", part);
  file = fopen(path, "w");
  if (!file) fault("a part cannot be written");
  for (int i = 0; i < FLOPS; ++i) fprintf(file, "flop %s %d\n", names[i], n[STATE[i]]);
  for (int i = 0; i < MEMORIES; ++i) {
    const Held *h = &held[i];
    fprintf(file, "memory %s ", h->name);
    hex(file, h->q, MEMORY[i].q);
    for (int at = 0; MEMORY[i].write && at < h->size; at += h->bits) fputc(' ', file), hex(file, h->cells + at, h->bits);
    fputc('\n', file);
  }
  fclose(file);
}

/* The clock has fallen: reads to q, then writes. */
static void access(const Memory *m, Held *h) {
  const int *enable = PINS + m->pins + 1, *a = enable + 1, *b_n = a + 8, *select = b_n + m->b_n;
  const int *write = select + m->select, *d = write + m->write;
  const int mux = h->bits / m->q, reads = n[*enable];
  static bit line[LONGEST]; /* high where no word pulls it low: a ROM's ones do, and an SRAM's zeros */
  memset(line, 1, h->bits);
  for (int word = 0; word < m->words; ++word) {
    bit *cells = h->cells + word * h->bits;
    if (n[b_n[word / 8]] || !n[a[word % 8]]) continue;
    for (int i = 0; reads && i < h->bits; ++i) line[i] &= m->write ? cells[i] : !cells[i];
    for (int i = 0; m->write && i < h->bits; ++i)
      if (n[write[i / 8]]) cells[i] = n[d[i]];
  }
  for (int out = 0; reads && out < m->q; ++out) {
    h->q[out] = 0;
    for (int i = 0; i < mux; ++i) h->q[out] |= line[mux * out + i] & (m->select ? n[select[i]] : 1);
  }
}

static const int *q_of(const Memory *m) { return PINS + m->pins + 10 + m->b_n + m->select + m->write + m->d; }

static void show_memories(void) {
  for (int i = 0; i < MEMORIES; ++i)
    for (int out = 0; out < MEMORY[i].q; ++out) n[q_of(&MEMORY[i])[out]] = held[i].q[out];
}

/* All that is clocked takes what there was before the edge. */
static void edge(bit clk) {
  n[CLK] = clk;
  clocks();
  take();
  for (int i = 0; i < MEMORIES; ++i) {
    const bit now = n[PINS[MEMORY[i].pins]];
    if (held[i].high && !now) access(&MEMORY[i], &held[i]);
    held[i].high = now;
  }
  for (int i = 0; i < FLOPS; ++i) n[STATE[i]] = next[i];
  show_memories();
}

static void start(void) {
  memset(n + 2, 0, NETS - 2);
  memset(before, 0, sizeof before);
  for (int i = 0; i < FLOPS; ++i) n[STATE[i]] = begin[i];
  for (int i = 0; i < MEMORIES; ++i) {
    Held *h = &held[i];
    memcpy(h->q, h->begin, MEMORY[i].q);
    if (MEMORY[i].write) memcpy(h->cells, h->begin + MEMORY[i].q, h->size);
  }
  show_memories();
  n[RST] = n[TX_READY] = 1;
  settle();
  /* No edge is seen from here to the first: clocks are as they are while the clock is low. */
  take();
  for (int i = 0; i < MEMORIES; ++i) held[i].high = n[PINS[MEMORY[i].pins]];
}

/* Until all bytes came, or to the last of the parts of a run of `cycles`; returns how many cycles it took. */
static int run(int tokens, int patience, int late_reset, int parts, int cycles) {
  int sent = 0, seen = 0, quiet = 0, part = 1;
  start();
  for (int cycle = -HOST_RESET;; ++cycle) {
    int taken;
    edge(1);
    n[RX_VALID] = cycle >= -1 && sent < sent_bytes;
    for (int i = 0; i < 8; ++i) n[RX_DATA[i]] = sent < sent_bytes ? bytes[sent] >> i & 1 : 0;
    if (!late_reset) n[RST] = cycle < -1;
    settle();
    edge(0);
    n[RST] = cycle < -1;
    settle();
    taken = n[RX_VALID] && n[RX_READY];
    sent += taken;
    ++quiet;
    if (cycle >= 0 && n[TX_VALID]) ++seen, quiet = 0;
    if (cycles && part < parts && !taken && cycle + 1 >= (long long)cycles * part / parts) {
      printf("CUT %d %d %d\n", cycle + 1, sent, seen);
      write_part(part++);
    }
    if (seen == tokens || (cycles && part == parts)) return cycle + 1;
    if (quiet > patience) fault("no token came");
  }
}

int main(int argc, char **argv) {
  FILE *file;
  unsigned byte;
  int cycles;
  if (argc != 7) fault("usage: ahead BEGIN REQUESTS TOKENS PATIENCE RESET PARTS");
  read_begin(argv[1]);
  file = fopen(argv[2], "r");
  while (file && sent_bytes < MOST && fscanf(file, "%x", &byte) == 1) bytes[sent_bytes++] = byte;
  cycles = run(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), 0, 0);
  run(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), cycles);
  printf("END %d\n", cycles);
  return 0;
}
