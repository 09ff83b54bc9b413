// The MiniVM as one writes it in C by hand, to compare with: a switch, flags computed at once, the same checks as the
// core makes on every fetch, access, push and call. Without f16, which no measured program uses.

#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

enum { DATA_ORIGIN = 0x4000, STACK_TOP = 0xfffc };
enum { Z = 1, C = 2, N = 4, V = 8 };
enum { BUDGET, SVC, BRK, RETURN, MEMORY, DIV_ZERO, STACK_OVERFLOW, STACK_UNDERFLOW, ILLEGAL, PC };
enum { CALL_BEGINS = 1, CALL_ENDS = 2, TELL_BYTE = 3, ASK_BYTE = 4 };

struct vm {
  uint32_t regs[16];
  uint32_t steps;
  const uint8_t *code;
  uint8_t *data, *stack;
  uint16_t pc, sp, code_last, data_bytes, stack_origin, depth, svc;
  uint8_t psw;
};

static uint8_t code[512], data[1100], stack[64];
static struct vm vm;

static uint8_t *segment(struct vm *m, uint16_t address, uint8_t size) {
  const uint16_t offset = address - DATA_ORIGIN;
  if (m->data_bytes >= size && offset <= m->data_bytes - size) return m->data + offset;
  const uint16_t below = address - m->stack_origin, bytes = STACK_TOP - m->stack_origin;
  return bytes >= size && below <= bytes - size ? m->stack + below : 0;
}

static uint8_t flags_nz(uint32_t result) { return result == 0 ? Z : result >> 31 ? N : 0; }

static uint32_t add(struct vm *m, uint32_t a, uint32_t b, uint8_t carry) {
  const uint32_t sum = a + b + carry;
  uint8_t psw = flags_nz(sum);
  if (sum < a || (carry && sum == a)) psw |= C;
  if (~(a ^ b) & (a ^ sum) & 0x80000000u) psw |= V;
  m->psw = psw;
  return sum;
}

static uint32_t word_at(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint16_t)(p[2] << 8) | p[3];
}

// Operands of the instruction at p, decoded where an arm needs them.
#define rd (&m->regs[p[1] >> 4])
#define a (m->regs[p[1] & 15])
#define b (m->regs[p[2] >> 4])
#define imm ((uint16_t)((p[2] & 15) << 8 | p[3]))
#define simm ((int16_t)(p[2] & 8 ? imm | 0xf000 : imm))

static uint8_t run(struct vm *m, uint16_t budget) {
  for (; budget != 0; budget--) {
    if (m->pc > m->code_last) return PC;
    const uint8_t *const p = m->code + m->pc;
    const uint8_t op = p[0];
    uint16_t next = m->pc + 4;
    uint8_t *at;
    uint64_t product;
    uint8_t by;
    switch (op) {
    case 0x01: *rd = (uint32_t)(int32_t)simm; break;
    case 0x02:
      if (!(at = segment(m, (uint16_t)(a + simm), 4))) return MEMORY;
      *rd = *(uint32_t *)at;
      break;
    case 0x03:
      if (!(at = segment(m, (uint16_t)(a + simm), 4))) return MEMORY;
      *(uint32_t *)at = b;
      break;
    case 0x04: *rd = a; break;
    case 0x06:
      if (!(at = segment(m, (uint16_t)(a + simm), 1))) return MEMORY;
      *rd = *at;
      break;
    case 0x07:
      if (!(at = segment(m, (uint16_t)(a + simm), 2))) return MEMORY;
      *rd = *(uint16_t *)at;
      break;
    case 0x08:
      if (!(at = segment(m, (uint16_t)(a + simm), 1))) return MEMORY;
      *at = (uint8_t)b;
      break;
    case 0x09:
      if (!(at = segment(m, (uint16_t)(a + simm), 2))) return MEMORY;
      *(uint16_t *)at = (uint16_t)b;
      break;
    case 0x10: *rd = add(m, a, b, 0); break;
    case 0x11: *rd = add(m, a, ~b, 1); break;
    case 0x12:
      product = (uint64_t)a * b;
      *rd = (uint32_t)product;
      m->psw = flags_nz((uint32_t)product) | (product >> 32 ? C | V : 0);
      break;
    case 0x13:
      if (b == 0) return DIV_ZERO;
      *rd = b == 0xffffffffu ? 0 - a : (uint32_t)((int32_t)a / (int32_t)b);
      m->psw = flags_nz(*rd);
      break;
    case 0x14: m->psw = flags_nz(*rd = a & b); break;
    case 0x15: m->psw = flags_nz(*rd = a | b); break;
    case 0x16: m->psw = flags_nz(*rd = a ^ b); break;
    case 0x17: m->psw = flags_nz(*rd = ~a); break;
    case 0x20: add(m, a, ~b, 1); break;
    case 0x21: next = imm; break;
    case 0x22: if (m->psw & Z) next = imm; break;
    case 0x23: if (!(m->psw & Z)) next = imm; break;
    case 0x24:
      if ((uint16_t)(m->sp - m->stack_origin) < 4) return STACK_OVERFLOW;
      m->sp -= 4;
      *(uint32_t *)(m->stack + (m->sp - m->stack_origin)) = next;
      next = (uint16_t)((p[1] & 15 ? a : m->pc) + (simm * 4));
      m->regs[15] = m->sp;
      m->depth++;
      break;
    case 0x25:
      if (m->depth == 0) return RETURN;
      if (m->sp > STACK_TOP - 4) return STACK_UNDERFLOW;
      next = (uint16_t)*(uint32_t *)(m->stack + (m->sp - m->stack_origin));
      m->regs[15] = m->sp += 4;
      m->depth--;
      break;
    case 0x26: case 0x27: case 0x28:
      if (m->pc + 4 > m->code_last) return PC;
      next = m->pc + 8;
      if (op == 0x26 || (op == 0x27) == ((m->psw & Z) != 0)) next = (uint16_t)word_at(p + 4);
      break;
    case 0x30:
      m->svc = imm;
      m->pc = next;
      m->steps++;
      return SVC;
    case 0x31:
      by = b & 31;
      *rd = a << by;
      m->psw = flags_nz(*rd) | (by == 0 ? m->psw & C : (a >> (32 - by)) & 1 ? C : 0);
      break;
    case 0x32:
      by = b & 31;
      *rd = a >> by;
      m->psw = flags_nz(*rd) | (by == 0 ? m->psw & C : (a >> (by - 1)) & 1 ? C : 0);
      break;
    case 0x33:
      by = b & 31;
      *rd = (uint32_t)((int32_t)a >> by);
      m->psw = flags_nz(*rd) | (by == 0 ? m->psw & C : (a >> (by - 1)) & 1 ? C : 0);
      break;
    case 0x34: *rd = add(m, a, b, (m->psw & C) != 0); break;
    case 0x35: *rd = add(m, a, ~b, (m->psw & C) != 0); break;
    case 0x40:
      if ((uint16_t)(m->sp - m->stack_origin) < 4) return STACK_OVERFLOW;
      m->sp -= 4;
      *(uint32_t *)(m->stack + (m->sp - m->stack_origin)) = a;
      m->regs[15] = m->sp;
      break;
    case 0x41:
      if (m->sp > STACK_TOP - 4) return STACK_UNDERFLOW;
      at = m->stack + (m->sp - m->stack_origin);
      m->regs[15] = m->sp += 4;
      *rd = *(uint32_t *)at;
      break;
    case 0x60:
      if (m->pc + 4 > m->code_last) return PC;
      *rd = word_at(p + 4);
      next = m->pc + 8;
      break;
    case 0x7f:
      m->svc = p[3];
      m->pc = next;
      m->steps++;
      return BRK;
    default: return ILLEGAL;
    }
    m->pc = next;
    m->steps++;
  }
  return BUDGET;
}

static uint8_t ask_byte(void) {
  GPIOR0 = ASK_BYTE;
  return GPIOR2;
}
static uint16_t ask(void) {
  const uint8_t low = ask_byte();
  return (uint16_t)(low | ask_byte() << 8);
}
static void tell(uint32_t word) {
  for (uint8_t n = 0; n < 4; n++, word >>= 8) {
    GPIOR1 = (uint8_t)word;
    GPIOR0 = TELL_BYTE;
  }
}

int main(void) {
  const uint16_t bytes = ask();
  for (uint16_t n = 0; n < bytes; n++) code[n] = ask_byte();
  vm.code = code;
  vm.data = data;
  vm.stack = stack;
  vm.code_last = bytes - 4;
  vm.data_bytes = sizeof data;
  vm.stack_origin = STACK_TOP - sizeof stack;
  vm.sp = STACK_TOP;
  const uint16_t budget = ask();
  uint8_t stop;
  do {
    GPIOR0 = CALL_BEGINS;
    stop = run(&vm, budget);
    GPIOR0 = CALL_ENDS;
  } while (stop == BUDGET);
  tell(stop);
  tell(vm.regs[0]);
  tell(vm.steps);
  for (;;) {}
}
