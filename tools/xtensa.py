"""Executes the machine code of viper functions for an ESP32 (xtensawin), counting instructions.

`functions` takes the functions of a .mpy file; `Machine.run` executes one with arguments as the VM
would hand them over: ints, and arrays whose octets it may change. What the code asks of the VM
(converting its arguments and its result, division, globals, calling one of these) is answered here
and counted apart, as `calls`. Only what MicroPython's emitter makes is known: anything else is an
XtensaError.

Instruction formats are those of Cadence's Xtensa ISA Reference Manual, 3.
"""

import struct

_CODE = 0x40080000
_STACK = 0x3FFB8000
_STACK_BYTES = 4096
_SELF = 0x3F400000  # the function's object, behind it its module and the module's constants
_NAMES = 0x3F410000
_TABLE = 0x3F500000
_VM = 0x70000000  # the address of the VM's function n is this plus 4 n
_DATA = 0x50000000
_OBJECT = 0x60000000  # object n is this plus 4 n; small ints are odd, as in the VM

# Indices into the table of functions a .mpy of version 6.3 knows (py/nativeglue.h).
_CONSTANTS = {_VM: 0, _VM + 4: 0, _VM + 8: 1}  # None, False, True
_TO_NATIVE = 3
_TO_OBJECT = 4
_SWAP_GLOBALS = 5
_LOAD_GLOBAL = 7
_CALL_FUNCTION = 27
_FLOOR_DIVIDE = 46
_MODULO = 47


class XtensaError(Exception):
    """The file or its code is not what MicroPython's emitter makes."""


class Code:
    """One function: its octets, and the names and constant objects of its file."""

    def __init__(self, octets: bytes, names=(), objects=()) -> None:
        self.octets = octets
        self.names = names
        self.objects = objects


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def uint(self) -> int:
        """Return the next number: seven bits an octet, the last one without the eighth."""
        n = 0
        while True:
            octet = self.data[self.at]
            self.at += 1
            n = n << 7 | octet & 127
            if octet < 128:
                return n

    def read_names(self) -> None:
        names, objects = self.uint(), self.uint()
        self.names = []
        for _ in range(names):
            length = self.uint()
            name = b""
            if not length & 1:  # else it is one that every VM has
                name = self.data[self.at : self.at + (length >> 1)]
                self.at += len(name) + 1
            self.names.append(name.decode())
        self.objects = [self._object() for _ in range(objects)]

    def _object(self):
        """Return the octets of the next constant object, None when it has none."""
        kind = self.data[self.at]
        self.at += 1
        if kind in (0, 1, 2, 3, 4):  # 0: the table of functions
            return None
        length = self.uint()
        if kind == 10:  # a tuple
            for _ in range(length):
                self._object()
            return None
        octets = self.data[self.at : self.at + length]
        self.at += length + (kind in (5, 6))
        return octets

    def functions(self) -> list:
        """Return the viper functions among this function and those within, in order."""
        head = self.uint()
        kind, size = head & 3, head >> 3
        code = self.data[self.at : self.at + size]
        self.at += size
        if kind:
            self.uint()
        found = [Code(code, self.names, self.objects)] if kind == 2 else []
        if head & 4:
            for _ in range(self.uint()):
                found += self.functions()
        return found


def functions(mpy: bytes) -> list:
    """Return the machine code of each viper function of a .mpy file, in its source's order."""
    if mpy[:2] != b"M\x06" or mpy[2] >> 2 != 10:
        raise XtensaError("no .mpy file of version 6 for xtensawin")
    reader = _Reader(mpy)
    reader.at = 4
    reader.read_names()
    return reader.functions()


class Machine:
    """Memory, registers and counters: `count` instructions, `calls` of the VM."""

    def __init__(self) -> None:
        self.count = self.calls = 0

    def run(self, code: Code, arguments: list, variables=None):
        """Execute *code* with ints and writable buffers; return its result, None or an int.

        *variables*: by name, what it needs of the globals where it was defined: ints, buffers,
        and functions, which are called with ints and buffers as Python has it.
        """
        self._memory = {_CODE: bytearray(code.octets), _STACK: bytearray(_STACK_BYTES)}
        self._decoded = {}
        self._code = code
        self._variables = variables or {}
        self._objects = []  # addresses, great ints, functions
        self._places = {}
        self._memory[_NAMES] = bytearray(struct.pack("<256H", *range(256)))
        words = [
            _TABLE if value is None else self._add(bytearray(value)) for value in code.objects
        ]
        self._memory[_SELF] = memory = bytearray(32) + struct.pack("<%dI" % len(words), *words)
        struct.pack_into("<I", memory, 4, _SELF + 16)
        struct.pack_into("<II", memory, 16 + 8, _NAMES, _SELF + 32)
        at = _DATA - 0x10000
        registers = self._registers = [0] * 16
        registers[1] = _STACK + _STACK_BYTES - 64
        registers[2] = _SELF
        registers[3] = len(arguments)
        registers[5] = at
        words = [self._add(value) for value in arguments]
        self._memory[at] = bytearray(struct.pack("<%dI" % len(words), *words))
        self._execute()
        return None if registers[2] == _VM else self._value(registers[2])

    def _add(self, value) -> int:
        """Return what stands for a value in a register; a buffer gets a place in memory."""
        if isinstance(value, int):
            if -(1 << 30) <= value < 1 << 30:
                return (value << 1 | 1) & 0xFFFFFFFF
        elif not callable(value):
            if id(value) not in self._places:
                place = self._places[id(value)] = _DATA + 0x10000 * len(self._places)
                self._memory[place] = value
            value = self._places[id(value)]
        self._objects.append(value)
        return _OBJECT + 4 * (len(self._objects) - 1)

    def _value(self, handle: int):
        """Return what stands in a register: an int, the address of a buffer, a function."""
        if handle & 1:
            return _signed(handle) >> 1
        if handle in _CONSTANTS:
            return _CONSTANTS[handle]
        if not 0 <= handle - _OBJECT < 4 * len(self._objects):
            raise XtensaError("no object: %x" % handle)
        return self._objects[handle - _OBJECT >> 2]

    def _find(self, address: int) -> tuple:
        base = _STACK if _STACK <= address < _STACK + _STACK_BYTES else address & ~0xFFFF
        memory = self._memory.get(base)
        if memory is None or not 0 <= address - base < len(memory):
            raise XtensaError("address %x" % address)
        return memory, address - base

    def _load(self, address: int, size: int) -> int:
        if size == 4 and address >> 20 == _TABLE >> 20:
            return _VM + address - _TABLE
        memory, at = self._find(address)
        return int.from_bytes(memory[at : at + size], "little")

    def _store(self, address: int, size: int, value: int) -> None:
        memory, at = self._find(address)
        memory[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def _call(self, address: int) -> None:
        """Do what the VM's function does; its arguments are in a10, a11 ..."""
        index = address - _VM >> 2
        registers = self._registers
        self.calls += 1
        if index == _TO_NATIVE:
            registers[10] = self._value(registers[10]) & 0xFFFFFFFF
        elif index == _TO_OBJECT:
            is_uint = registers[11] == 3
            registers[10] = self._add(registers[10] if is_uint else _signed(registers[10]))
        elif index in (_FLOOR_DIVIDE, _MODULO):
            a, b = _signed(registers[10]), _signed(registers[11])
            registers[10] = (a // b if index == _FLOOR_DIVIDE else a % b) & 0xFFFFFFFF
        elif index == _SWAP_GLOBALS:
            registers[10] = 0  # they are the right ones
        elif index == _LOAD_GLOBAL:
            name = self._code.names[registers[10]]
            if name not in self._variables:
                raise XtensaError("no global %s" % name)
            registers[10] = self._add(self._variables[name])
        elif index == _CALL_FUNCTION:
            registers[10] = self._call_function(registers[10], registers[11], registers[12])
        else:
            raise XtensaError("function %d of the VM" % index)

    def _call_function(self, function: int, count: int, at: int) -> int:
        arguments = [self._value(self._load(at + 4 * i, 4)) for i in range(count)]
        result = self._value(function)(*[self._memory.get(n, n) for n in arguments])
        return _VM if result is None else self._add(result)

    def _execute(self) -> None:
        pc = _CODE
        decoded = self._decoded
        code = self._memory[_CODE]
        while pc is not None:
            step = decoded.get(pc)
            if step is None:
                word = int.from_bytes(code[pc - _CODE : pc - _CODE + 3], "little")
                step = decoded[pc] = _decode(word, pc)
            self.count += 1
            pc = step(self)


def _signed(value: int) -> int:
    return value - 0x100000000 if value & 0x80000000 else value


def _extended(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _decode(word: int, pc: int):
    """Return a function of the machine that executes one instruction and returns the next pc."""
    op0 = word & 15
    t, s, r = word >> 4 & 15, word >> 8 & 15, word >> 12 & 15
    if op0 in _NARROW:
        return _NARROW[op0](t, s, r, pc + 2, pc)
    if op0 in _WIDE:
        return _WIDE[op0](word, t, s, r, pc + 3, pc)
    raise XtensaError("instruction %06x at %x" % (word, pc - _CODE))


def _binary(word, t, s, r, following, pc):
    op1, op2 = word >> 16 & 15, word >> 20
    if op1 == 0 and op2 == 0:
        return _control(t, s, r, following)
    if op1 == 0 and op2 == 4:
        return _shift_amount(t, s, r, following)
    if op1 in (4, 5):  # EXTUI
        amount, mask = s | (op1 & 1) << 4, (2 << op2) - 1
        return _assign(r, following, lambda a, m: a[t] >> amount & mask)
    if op1 == 1 and op2 in (0, 1):  # SLLI
        amount = 32 - (t | (op2 & 1) << 4)
        return _assign(r, following, lambda a, m: a[s] << amount)
    if op1 == 1 and op2 in (2, 3):  # SRAI
        amount = s | (op2 & 1) << 4
        return _assign(r, following, lambda a, m: _signed(a[t]) >> amount)
    if op1 == 1 and op2 == 4:  # SRLI
        return _assign(r, following, lambda a, m: a[t] >> s)
    value = _BINARY.get((op1, op2))
    if value is None:
        raise XtensaError("instruction %06x at %x" % (word, pc - _CODE))
    return _assign(r, following, lambda a, m: value(a, s, t, m))


_BINARY = {
    (0, 1): lambda a, s, t, m: a[s] & a[t],
    (0, 2): lambda a, s, t, m: a[s] | a[t],
    (0, 3): lambda a, s, t, m: a[s] ^ a[t],
    (0, 6): lambda a, s, t, m: abs(_signed(a[t])) if s else -a[t],
    (0, 8): lambda a, s, t, m: a[s] + a[t],
    (0, 9): lambda a, s, t, m: (a[s] << 1) + a[t],
    (0, 10): lambda a, s, t, m: (a[s] << 2) + a[t],
    (0, 11): lambda a, s, t, m: (a[s] << 3) + a[t],
    (0, 12): lambda a, s, t, m: a[s] - a[t],
    (1, 9): lambda a, s, t, m: a[t] >> m.shift,  # SRL
    (1, 10): lambda a, s, t, m: a[s] << 32 - m.shift,  # SLL
    (1, 11): lambda a, s, t, m: _signed(a[t]) >> m.shift,  # SRA
    (2, 8): lambda a, s, t, m: a[s] * a[t],  # MULL
}


def _assign(r, following, value):
    def step(machine):
        registers = machine._registers
        registers[r] = value(registers, machine) & 0xFFFFFFFF
        return following

    return step


def _control(t, s, r, following):
    if r or t not in (8, 9, 10, 14):
        if r == 2:  # synchronising, which changes nothing here
            return lambda machine: following
        raise XtensaError("control %x %x" % (t, r))
    if t == 14:  # CALLX8

        def call(machine):
            machine._call(machine._registers[s])
            return following

        return call
    if t == 10:  # JX
        return lambda machine: machine._registers[s]
    return lambda machine: None  # RET, RETW


def _shift_amount(t, s, r, following):
    def step(machine):
        amount = machine._registers[s] & 31
        machine.shift = 32 - amount if r == 1 else amount
        return following

    if r not in (0, 1):
        raise XtensaError("shift %x" % r)
    return step


def _literal(word, t, s, r, following, pc):
    address = ((pc + 3) & ~3) + (0xFFFF0000 | word >> 8) * 4 & 0xFFFFFFFF
    return _assign(t, following, lambda a, m: m._load(address, 4))


def _memory(word, t, s, r, following, pc):
    offset = word >> 16
    if r in (0, 1, 2):
        size = 1 << r
        offset *= size
        return _assign(t, following, lambda a, m: m._load(a[s] + offset & 0xFFFFFFFF, size))
    if r in (4, 5, 6):
        return _saving(t, s, offset << r - 4, 1 << r - 4, following)
    if r == 9:  # L16SI
        offset *= 2
        return _assign(
            t, following, lambda a, m: _extended(m._load(a[s] + offset & 0xFFFFFFFF, 2), 16)
        )
    if r == 10:  # MOVI
        value = _extended(s << 8 | offset, 12)
        return _assign(t, following, lambda a, m: value)
    if r in (12, 13):  # ADDI, ADDMI
        value = _extended(offset, 8) * (256 if r == 13 else 1)
        return _assign(t, following, lambda a, m: a[s] + value)
    raise XtensaError("memory %x" % r)


def _saving(t, s, offset, size, following):
    def step(machine):
        registers = machine._registers
        machine._store(registers[s] + offset & 0xFFFFFFFF, size, registers[t])
        return following

    return step


def _jumping(following, target, condition):
    return lambda machine: target if condition(machine._registers) else following


def _jump(word, t, s, r, following, pc):
    n, m = t & 3, t >> 2
    if n == 0:
        target = pc + 4 + _extended(word >> 6, 18)
        return lambda machine: target
    if n == 3 and m == 0:  # ENTRY

        def enter(machine):
            machine._registers[1] -= (word >> 12) * 8
            return following

        return enter
    if n != 1:
        raise XtensaError("branch %06x" % word)
    target = pc + 4 + _extended(word >> 12, 12)
    conditions = (
        lambda a: a[s] == 0,
        lambda a: a[s] != 0,
        lambda a: a[s] & 0x80000000,
        lambda a: not a[s] & 0x80000000,
    )
    return _jumping(following, target, conditions[m])


def _branch(word, t, s, r, following, pc):
    target = pc + 4 + _extended(word >> 16, 8)
    conditions = {
        0: lambda a: not a[s] & a[t],
        1: lambda a: a[s] == a[t],
        2: lambda a: _signed(a[s]) < _signed(a[t]),
        3: lambda a: a[s] < a[t],
        8: lambda a: a[s] & a[t],
        9: lambda a: a[s] != a[t],
        10: lambda a: _signed(a[s]) >= _signed(a[t]),
        11: lambda a: a[s] >= a[t],
    }
    if r not in conditions:
        raise XtensaError("branch %06x" % word)
    return _jumping(following, target, conditions[r])


def _narrow_immediate(t, s, r, following, pc):
    if t < 8:  # MOVI.N
        value = r | t << 4
        value -= 128 if value >= 96 else 0
        return _assign(s, following, lambda a, m: value)
    target = pc + 4 + (r | (t & 3) << 4)
    if t & 4:
        return _jumping(following, target, lambda a: a[s] != 0)
    return _jumping(following, target, lambda a: a[s] == 0)


def _narrow_other(t, s, r, following, pc):
    if r == 0:  # MOV.N
        return _assign(t, following, lambda a, m: a[s])
    if r == 15 and t in (0, 1):
        return lambda machine: None
    if r == 15 and t == 3:
        return lambda machine: following
    raise XtensaError("instruction %x %x" % (t, r))


_WIDE = {0: _binary, 1: _literal, 2: _memory, 6: _jump, 7: _branch}
_NARROW = {
    8: lambda t, s, r, following, pc: _assign(
        t, following, lambda a, m: m._load(a[s] + 4 * r & 0xFFFFFFFF, 4)
    ),
    9: lambda t, s, r, following, pc: _saving(t, s, 4 * r, 4, following),
    10: lambda t, s, r, following, pc: _assign(r, following, lambda a, m: a[s] + a[t]),
    11: lambda t, s, r, following, pc: _assign(r, following, lambda a, m: a[s] + (t if t else -1)),
    12: _narrow_immediate,
    13: _narrow_other,
}
