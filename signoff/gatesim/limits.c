/* Setup, hold and pulse-width limits, watched while Icarus Verilog runs a timed netlist; and what it holds.
 *
 * $scf_limits(file)  reads limits of the nets n0, n1, ... of the module it is called in, a line each:
 *   check NAME DATA CLOCK SETUP_RISE SETUP_FALL HOLD_RISE HOLD_FALL SHIFT
 *     No change of net DATA from setup before to hold after a rising edge of net CLOCK; the limits are those of the
 *     data's new value. SHIFT is by how much later the clock reaches its pin than the data reaches its own. The model
 *     samples the data's net when the clock's net rises, so that moment is always part of the window.
 *   width NAME NET LOW HIGH  no low or high pulse on the net is shorter.
 *                  and what holds a value:
 *   flop NAME NET    the net is its state.
 *   memory NAME      an instance in this module, with `q` and, if it can be written, `ram`.
 * Nets are numbers here: Icarus takes a scope from its beginning for every net that a statement names.
 * $scf_load(file)  fills memories: of a file of `memory NAME Q WORD...`, hexadecimal, all others of its lines are left
 *   to what makes the program.
 * $scf_keep(file)  writes what flops and memories hold, in the same form, and the nets of each check:
 *   check NAME DATA CLOCK.
 * $scf_begin  from here on edges and violations count: before, reset has not reached every register.
 * $scf_found(kind)  a function: 1 if there was a violation of a kind ("setup" ...), else 0.
 * $scf_report  prints how much was watched and found, and begins anew: nothing counts until the next $scf_begin.
 *
 * All times are integers in ps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vpi_user.h>

typedef long long ps;
enum { SHOWN = 20 }; /* violations of a kind that are printed */
enum { LONGEST = 4096 }; /* line of limits */
enum { WIDEST = 1 << 17 }; /* number in a file of values */

typedef struct {
  char *name;
  int data, clock;
  ps setup[2], hold[2], shift; /* by the data's new value */
} Check;

typedef struct {
  ps changed, rose;  /* last change and last rising edge; -1: none yet */
  int value, watched, checks;
  int *as_data, *as_clock, datas, clocks;
  ps low, high;      /* shortest pulses allowed; 0: not watched */
  char *name;
} Net;

static Check *checks;
static Net *nets;
static int check_count, net_count;

typedef struct {
  char *name;
  vpiHandle *parts; /* the net of a flop; q and the words of a memory */
  int count;
} Held;
static Held *flops, *memories;
static int flop_count, memory_count;
static long long edges;
enum { SETUP, HOLD, WIDTH, UNKNOWN, KINDS };
static const char *const KIND[KINDS] = {"setup", "hold", "width", "unknown"};
static long long violations[KINDS];
static int counting;
enum { LONG = 62 };
static ps least = 1LL << LONG; /* from the last change of data to the beginning of its window */
static const char *nearest = "-";

static ps now(void) {
  s_vpi_time t = {vpiSimTime, 0, 0, 0};
  vpi_get_time(NULL, &t);
  return ((ps)t.high << 32) | t.low;
}

static void violation(int kind, const char *name, ps at, ps margin) {
  if (counting && ++violations[kind] <= SHOWN)
    vpi_printf("VIOLATION %s %s at %lld ps by %lld ps\n", KIND[kind], name, at, -margin);
}

static PLI_INT32 change(p_cb_data cb) {
  Net *n = &nets[(long)cb->user_data];
  const ps t = now();
  const int bit = cb->value->value.scalar, value = bit == vpi1 ? 1 : bit == vpi0 ? 0 : 2;
  int i;
  if (value == n->value) return 0;
  if (n->clocks && value == 1 && n->value == 0) {
    edges += counting;
    for (i = 0; i < n->clocks; ++i) {
      Check *c = &checks[n->as_clock[i]];
      Net *d = &nets[c->data];
      ps last = d->changed, open = c->shift - c->setup[d->value == 1];
      if (open > -1) open = -1;
      if (d->value == 2) violation(UNKNOWN, c->name, t, 0);
      else if (last > t + open) violation(SETUP, c->name, t, t + open - last);
      if (counting && last > n->rose && t + open - last < least) least = t + open - last, nearest = c->name;
    }
  }
  for (i = 0; i < n->datas; ++i) {
    Check *c = &checks[n->as_data[i]];
    ps close = c->shift + c->hold[value == 1], rose = nets[c->clock].rose;
    if (close < 0) close = 0;
    if (rose >= 0 && t <= rose + close) violation(HOLD, c->name, t, t - rose - close);
  }
  if (n->changed >= 0 && (n->value == 1 ? n->high : n->low) > t - n->changed && n->value < 2)
    violation(WIDTH, n->name, t, t - n->changed - (n->value == 1 ? n->high : n->low));
  if (value == 1) n->rose = t;
  n->changed = t;
  n->value = value;
  return 0;
}

static int append(int **list, int count, int item) {
  if (!(count & (count - 1))) *list = realloc(*list, sizeof(int) * (count ? 2 * count : 1));
  (*list)[count] = item;
  return count + 1;
}

static void watch(int id, vpiHandle object) {
  static s_vpi_time none = {vpiSuppressTime, 0, 0, 0};
  static s_vpi_value scalar = {vpiScalarVal, {0}};
  s_cb_data cb = {cbValueChange, change, object, &none, &scalar, 0, (PLI_BYTE8 *)(long)id};
  while (net_count <= id) {
    if (!(net_count & 1023)) nets = realloc(nets, sizeof(Net) * (net_count + 1024));
    memset(&nets[net_count], 0, sizeof(Net));
    nets[net_count].changed = nets[net_count].rose = -1;
    nets[net_count++].value = 2;
  }
  if (nets[id].watched) return;
  nets[id].watched = 1;
  vpi_get_value(object, &scalar); /* it may have settled before it was watched */
  nets[id].value = scalar.value.scalar == vpi1 ? 1 : scalar.value.scalar == vpi0 ? 0 : 2;
  vpi_register_cb(&cb);
}

/* Number of a wire n0, n1, ...; -1 for others. */
static long number(vpiHandle net) {
  char *end;
  const char *name = vpi_get_str(vpiName, net);
  const long n = name[0] == 'n' ? strtol(name + 1, &end, 10) : -1;
  return n < 0 || end == name + 1 || *end ? -1 : n;
}

static vpiHandle *objects; /* by number */
static long object_count;

static void find_objects(vpiHandle module) {
  vpiHandle of = vpi_iterate(vpiNet, module), net;
  while (of && (net = vpi_scan(of))) {
    const long n = number(net);
    if (n >= object_count) {
      const long more = 2 * n + 1024;
      objects = realloc(objects, sizeof *objects * more);
      memset(objects + object_count, 0, sizeof *objects * (more - object_count));
      object_count = more;
    }
    if (n >= 0) objects[n] = net;
  }
}

static vpiHandle chip; /* the module of the nets */

static void add(vpiHandle part, Held *to) {
  if (!(to->count & (to->count - 1))) to->parts = realloc(to->parts, sizeof part * (to->count ? 2 * to->count : 1));
  to->parts[to->count++] = part;
}

static Held *held(Held **list, int *count, const char *name) {
  if (!(*count & 1023)) *list = realloc(*list, sizeof **list * (*count + 1024));
  (*list)[*count] = (Held){strdup(name), NULL, 0};
  return &(*list)[(*count)++];
}

static vpiHandle named(vpiHandle in, int kind, const char *name) {
  vpiHandle of = vpi_iterate(kind, in), found = NULL;
  while (of && (found = vpi_scan(of)))
    if (!strcmp(vpi_get_str(vpiName, found), name)) {
      vpi_free_object(of);
      return found;
    }
  return NULL;
}

static int memory(const char *name) {
  vpiHandle macro = named(chip, vpiModule, name), q = macro ? named(macro, vpiReg, "q") : NULL, ram, of, word;
  Held *to;
  if (!q) return 0;
  add(q, to = held(&memories, &memory_count, name));
  ram = named(macro, vpiMemory, "ram");
  of = ram ? vpi_iterate(vpiMemoryWord, ram) : NULL;
  while (of && (word = vpi_scan(of))) add(word, to);
  return 1;
}

static int known(long n) { return n >= 0 && n < object_count && objects[n]; }

/* 0 if the line is of nothing that is there. */
static int limit(const char *line) {
  char name[LONGEST];
  long data, clock;
  ps a, b, c, d, shift;
  if (sscanf(line, "check %s %ld %ld %lld %lld %lld %lld %lld", name, &data, &clock, &a, &b, &c, &d, &shift) == 8) {
    if (!known(data) || !known(clock)) return 0;
    watch(data, objects[data]);
    watch(clock, objects[clock]);
    if (!(check_count & 1023)) checks = realloc(checks, sizeof(Check) * (check_count + 1024));
    checks[check_count] = (Check){strdup(name), data, clock, {b, a}, {d, c}, shift};
    nets[data].datas = append(&nets[data].as_data, nets[data].datas, check_count);
    nets[clock].clocks = append(&nets[clock].as_clock, nets[clock].clocks, check_count);
    ++check_count;
    return 1;
  }
  if (sscanf(line, "memory %s", name) == 1) return memory(name);
  if (sscanf(line, "flop %s %ld", name, &data) == 2) {
    if (known(data)) add(objects[data], held(&flops, &flop_count, name));
    return known(data);
  }
  if (sscanf(line, "width %s %ld %lld %lld", name, &data, &a, &b) != 4 || !known(data)) return 0;
  watch(data, objects[data]);
  nets[data].name = strdup(name), nets[data].low = a, nets[data].high = b;
  return 1;
}

/* The file that a call names. */
static FILE *named_file(const char *mode) {
  vpiHandle args = vpi_iterate(vpiArgument, vpi_handle(vpiSysTfCall, NULL));
  s_vpi_value path = {vpiStringVal, {0}};
  FILE *file;
  vpi_get_value(vpi_scan(args), &path);
  vpi_free_object(args);
  file = fopen(path.value.str, mode);
  if (!file) vpi_printf("FAULT %s cannot be opened (%s)\n", path.value.str, strerror(errno));
  return file;
}

static PLI_INT32 limits(PLI_BYTE8 *data) {
  char line[LONGEST];
  FILE *file;
  (void)data;
  find_objects(chip = vpi_handle(vpiScope, vpi_handle(vpiSysTfCall, NULL)));
  file = named_file("r");
  while (file && fgets(line, sizeof line, file))
    if (!limit(line)) vpi_printf("FAULT not a limit: %s\n", line);
  if (file) fclose(file);
  return 0;
}

static PLI_INT32 load(PLI_BYTE8 *data) {
  static char word[WIDEST];
  FILE *file = named_file("r");
  int m = 0;
  (void)data;
  while (file && fscanf(file, "%131071s", word) == 1) {
    if (strcmp(word, "memory")) {
      if (fscanf(file, "%*[^\n]") == EOF) break;
      continue;
    }
    if (fscanf(file, "%131071s", word) != 1 || m == memory_count || strcmp(word, memories[m].name)) {
      vpi_printf("FAULT %s is not the next memory\n", word);
      break;
    }
    for (int i = 0; i < memories[m].count && fscanf(file, "%131071s", word) == 1; ++i) {
      s_vpi_value value = {vpiHexStrVal, {.str = word}};
      vpi_put_value(memories[m].parts[i], &value, NULL, vpiNoDelay);
    }
    ++m;
  }
  if (file) fclose(file);
  if (m < memory_count) vpi_printf("FAULT a memory begins with nothing\n");
  return 0;
}

static char told(int value) { return value < 2 ? '0' + value : 'x'; }

static PLI_INT32 keep(PLI_BYTE8 *data) {
  FILE *file = named_file("w");
  (void)data;
  if (!file) return 0;
  for (int i = 0; i < flop_count; ++i) {
    s_vpi_value value = {vpiScalarVal, {0}};
    vpi_get_value(flops[i].parts[0], &value);
    fprintf(file, "flop %s %c\n", flops[i].name, told(value.value.scalar == vpi1 ? 1 : value.value.scalar == vpi0 ? 0 : 2));
  }
  for (int m = 0; m < memory_count; ++m) {
    fprintf(file, "memory %s", memories[m].name);
    for (int i = 0; i < memories[m].count; ++i) {
      s_vpi_value value = {vpiHexStrVal, {0}};
      vpi_get_value(memories[m].parts[i], &value);
      fprintf(file, " %s", value.value.str);
    }
    fputc('\n', file);
  }
  for (int i = 0; i < check_count; ++i)
    fprintf(file, "check %s %c %c\n", checks[i].name, told(nets[checks[i].data].value), told(nets[checks[i].clock].value));
  fclose(file);
  return 0;
}

static PLI_INT32 begin(PLI_BYTE8 *data) {
  (void)data;
  counting = 1;
  return 0;
}

static PLI_INT32 found(PLI_BYTE8 *data) {
  vpiHandle call = vpi_handle(vpiSysTfCall, NULL), args = vpi_iterate(vpiArgument, call), a;
  s_vpi_value kind = {vpiStringVal, {0}}, count = {vpiIntVal, {0}};
  (void)data;
  count.value.integer = 0;
  while ((a = vpi_scan(args))) {
    vpi_get_value(a, &kind);
    for (int k = 0; k < KINDS; ++k)
      if (!strcmp(kind.value.str, KIND[k])) count.value.integer = violations[k] > 0 ? 1 : 0;
  }
  vpi_put_value(call, &count, NULL, vpiNoDelay);
  return 0;
}

static PLI_INT32 report(PLI_BYTE8 *data) {
  (void)data;
  vpi_printf("WATCHED %d checks, %lld clock edges\n", check_count, edges);
  vpi_printf("LEAST %lld %s\n", least, nearest);
  for (int k = 0; k < KINDS; ++k) {
    vpi_printf("COUNTED %s %lld\n", KIND[k], violations[k]);
    violations[k] = 0;
  }
  counting = 0, edges = 0, least = 1LL << LONG, nearest = "-";
  return 0;
}

static void start(void) {
  s_vpi_systf_data t[] = {{vpiSysTask, 0, "$scf_limits", limits, 0, 0, 0},
                          {vpiSysTask, 0, "$scf_load", load, 0, 0, 0},
                          {vpiSysTask, 0, "$scf_keep", keep, 0, 0, 0},
                          {vpiSysTask, 0, "$scf_begin", begin, 0, 0, 0},
                          {vpiSysFunc, vpiIntFunc, "$scf_found", found, 0, 0, 0},
                          {vpiSysTask, 0, "$scf_report", report, 0, 0, 0}};
  for (int i = 0; i < 6; ++i) vpi_register_systf(&t[i]);
}

void (*vlog_startup_routines[])(void) = {start, 0};
