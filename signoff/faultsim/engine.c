/* Simulates many copies of a chip at once: bit i of every word is the chip of lane i.
 *
 * Logic is two-valued and has no delays. One cycle is: inputs and flops are given, all logic settles while the
 * clock is low, ROM banks included, and the rising edge stores. What differs between lanes is the ROM's contents
 * and what follows from it: each lane has a host of its own, that sends its bytes and takes its tokens.
 * signoff/faultsim/circuit.py makes the tables, signoff/faultsim/run.py calls `run`.
 */
#include <stdint.h>
#include <string.h>

#define WORDS 4 /* of 64 lanes */
typedef uint64_t Lanes __attribute__((vector_size(8 * WORDS)));

/* MUX: c ? b : a. MUX4: a, b, c, d by the numbers f (high bit) and e. */
enum { AND, NAND, OR, NOR, XOR, XNOR, MUX, NOT, MUX4, BANK };

typedef struct {
  int32_t op, first, count; /* a run of equal operations; BANK: number of the bank */
} Run;

typedef struct {
  int32_t net, first, count; /* flops that store when `net` is high; -1: always */
} Group;

typedef struct {
  /* What the chip is */
  int32_t runs, groups, word_lines, bit_lines, mux;
  const Run* run;
  const int32_t *out, *a, *b, *c, *d, *e, *f; /* operations: output and inputs */
  const Group* group;
  const int32_t *from, *to;          /* flops: D and Q */
  const int32_t *high, *low, *bl;    /* nets of each bank: a word line is the AND of two; bit lines */
  const int32_t* column;             /* of the column's number, the lowest bit first */
  const int32_t *rx_data, *tx_data;  /* 8 nets each */
  int32_t rst, rx_valid, rx_ready, tx_valid, tx_ready;
  /* What it does */
  Lanes *net, *rom; /* rom: [bank][word line][bit line] */
  Lanes* held;      /* room for each flop */
  uint8_t* read;    /* [bank][word line][column]: rows that lane 0 has read */
  /* The hosts */
  const uint8_t* bytes;
  const int32_t* expected; /* tokens */
  int32_t nbytes, ntokens;
  Lanes* alive;                /* lanes that run: neither found nor ended */
  int32_t *sent, *came;        /* by lane */
  int64_t *when, *at;          /* by lane: cycle of a wrong token (-1: none); by token: cycle of lane 0 */
  uint8_t* late;               /* by lane: a token came in another cycle than lane 0's */
  int64_t cycle;
} Sim;

static int bit(const Lanes* v, int lane) { return ((*v)[lane >> 6] >> (lane & 63)) & 1; }

static void set(Lanes* v, int lane, int value) {
  uint64_t mask = 1ull << (lane & 63);
  if (value) (*v)[lane >> 6] |= mask;
  else (*v)[lane >> 6] &= ~mask;
}

static int any(Lanes v) {
  uint64_t all = 0;
  for (int w = 0; w < WORDS; w++) all |= v[w];
  return all != 0;
}

static void bank(Sim* s, int n) {
  const int32_t *high = s->high + n * s->word_lines, *low = s->low + n * s->word_lines;
  const int32_t* bl = s->bl + n * s->bit_lines;
  const Lanes zero = {0}, *rom = s->rom + (int64_t)n * s->word_lines * s->bit_lines;
  Lanes fallen[s->bit_lines];
  for (int j = 0; j < s->bit_lines; j++) fallen[j] = zero;
  int column = 0, columns = 1 << s->mux;
  for (int i = 0; i < s->mux; i++) column |= bit(&s->net[s->column[i]], 0) << i;
  for (int i = 0; i < s->word_lines; i++) {
    /* Neighbours share the first of the two, which is low in nearly all of a ROM */
    const Lanes on = s->net[high[i]] & *s->alive;
    if (!any(on)) {
      while (i + 1 < s->word_lines && high[i + 1] == high[i]) i++;
      continue;
    }
    const Lanes up = on & s->net[low[i]];
    if (!any(up)) continue;
    if (bit(&up, 0)) s->read[(n * s->word_lines + i) * columns + column] = 1;
    const Lanes* row = rom + (int64_t)i * s->bit_lines;
    for (int j = 0; j < s->bit_lines; j++) fallen[j] |= up & row[j];
  }
  for (int j = 0; j < s->bit_lines; j++) s->net[bl[j]] = ~fallen[j];
}

static void settle(Sim* s) {
  Lanes* v = s->net;
  for (int r = 0; r < s->runs; r++) {
    const Run run = s->run[r];
    const int first = run.first, end = run.first + run.count;
    const int32_t *o = s->out, *a = s->a, *b = s->b, *c = s->c, *d = s->d, *e = s->e, *f = s->f;
#define EACH(value) for (int i = first; i < end; i++) v[o[i]] = value; break
#define PICK(select, low, high) (v[low[i]] ^ (v[select[i]] & (v[low[i]] ^ v[high[i]])))
    switch (run.op) {
      case AND: EACH(v[a[i]] & v[b[i]]);
      case NAND: EACH(~(v[a[i]] & v[b[i]]));
      case OR: EACH(v[a[i]] | v[b[i]]);
      case NOR: EACH(~(v[a[i]] | v[b[i]]));
      case XOR: EACH(v[a[i]] ^ v[b[i]]);
      case XNOR: EACH(~(v[a[i]] ^ v[b[i]]));
      case MUX: EACH(PICK(c, a, b));
      case NOT: EACH(~v[a[i]]);
      case MUX4:
        for (int i = first; i < end; i++) {
          const Lanes low = PICK(e, a, b), high = PICK(e, c, d);
          v[o[i]] = low ^ (v[f[i]] & (low ^ high));
        }
        break;
      case BANK: bank(s, first);
    }
  }
}

static void store(Sim* s) {
  Lanes *v = s->net, on[s->groups]; /* all is seen before anything changes */
  const Lanes zero = {0};
  for (int g = 0; g < s->groups; g++) {
    const Group m = s->group[g];
    on[g] = m.net < 0 ? ~zero : v[m.net];
    if (any(on[g]))
      for (int i = m.first; i < m.first + m.count; i++) s->held[i] = v[s->from[i]];
  }
  for (int g = 0; g < s->groups; g++) {
    const Group m = s->group[g];
    if (any(on[g]))
      for (int i = m.first; i < m.first + m.count; i++) v[s->to[i]] ^= on[g] & (v[s->to[i]] ^ s->held[i]);
  }
}

static void offer(Sim* s, int lane) {
  const int left = s->sent[lane] < s->nbytes;
  set(&s->net[s->rx_valid], lane, left);
  for (int i = 0; i < 8; i++)
    set(&s->net[s->rx_data[i]], lane, left ? s->bytes[s->sent[lane]] >> i & 1 : 0);
}

static void take(Sim* s, int lane) {
  int value = 0;
  for (int i = 0; i < 8; i++) value |= bit(&s->net[s->tx_data[i]], lane) << i;
  const int n = s->came[lane];
  if (lane == 0) s->at[n] = s->cycle;
  else if (s->at[n] != s->cycle) s->late[lane] = 1;
  if (value != s->expected[n]) s->when[lane] = s->cycle;
  s->came[lane] = n + 1;
  if (value != s->expected[n] || n + 1 == s->ntokens) set(s->alive, lane, 0);
}

/* Runs until a cycle, or until no lane is alive; returns the cycle reached. */
int64_t run(Sim* s, int64_t until) {
  const int reset = 4;
  if (s->cycle == 0)
    for (int lane = 0; lane < 64 * WORDS; lane++) offer(s, lane);
  for (; s->cycle < until && any(*s->alive); s->cycle++) {
    const Lanes zero = {0};
    s->net[s->rst] = s->cycle < reset ? ~zero : zero;
    s->net[s->tx_ready] = ~zero;
    settle(s);
    Lanes taken = zero;
    if (s->cycle >= reset) {
      const Lanes came = s->net[s->tx_valid] & *s->alive;
      taken = s->net[s->rx_valid] & s->net[s->rx_ready];
      if (any(came))
        for (int lane = 0; lane < 64 * WORDS; lane++)
          if (bit(&came, lane)) take(s, lane);
    }
    store(s);
    if (any(taken))
      for (int lane = 0; lane < 64 * WORDS; lane++)
        if (bit(&taken, lane)) {
          s->sent[lane]++;
          offer(s, lane);
        }
  }
  return s->cycle;
}
