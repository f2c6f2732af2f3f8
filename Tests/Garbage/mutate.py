"""Makes damaged copies of a plugin, always the same ones: seed n gives file n. Damage goes where a reader of ELF files believes what it
reads: the header, program headers, section headers, the dynamic section, symbol tables, relocations, the manifest, and truncations."""
import random
import struct


class Elf:
    """Where the parts of an undamaged ELF64 file are: (offset, bytes) by name."""

    def __init__(self, data):
        self.parts = {"header": (0, 64)}
        phoff, shoff = struct.unpack_from("<QQ", data, 32)
        phentsize, phnum, shentsize, shnum, shstrndx = struct.unpack_from("<HHHHH", data, 54)
        self.parts["program headers"] = (phoff, phentsize * phnum)
        self.parts["section headers"] = (shoff, shentsize * shnum)
        sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
        names = sections[shstrndx]
        for one in sections:
            start = names[4] + one[0]
            name = data[start:data.index(b"\0", start)].decode()
            if one[1] not in (0, 8) and one[5] and name in (
                    ".dynamic", ".dynsym", ".dynstr", ".gnu.hash", ".hash", ".rela.dyn", ".rela.plt", ".sluice.manifest", ".shstrtab",
                    ".init_array", ".fini_array", ".data.rel.ro", ".got", ".gnu.version", ".gnu.version_r", ".note.gnu.property"):
                self.parts[name] = (one[4], one[5])


INTERESTING = (0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 40, (1 << 63) - 1, 1 << 63,
               (1 << 64) - 1)
JSON = (b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\\u0000", b"\\ud800", b"1e999", b"-", b"\xff", b"\xc3", b"\0", b"null",
        b'"name":', b"[[[[[[[[[[")


def mutated(data, elf, seed):
    """Damaged copy number `seed`; never equal to the original."""
    rng = random.Random(seed)
    out = bytearray(data)
    while out == data:
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            _damage(out, elf, rng)
        if rng.random() < 0.1:
            del out[rng.randrange(1, len(out)):]
    return bytes(out)


def _damage(out, elf, rng):
    name = rng.choice(sorted(elf.parts))
    offset, size = elf.parts[name]
    if name == ".sluice.manifest" and rng.random() < 0.5:
        text = rng.choice(JSON)
        at = offset + rng.randrange(max(1, size - len(text)))
        out[at:at + len(text)] = text
        return
    if rng.random() < 0.05:
        offset, size = 0, len(out)
    width = rng.choice((1, 2, 4, 8))
    at = offset + rng.randrange(max(1, size)) // width * width
    if at + width > len(out):
        return
    kind = rng.randrange(4)
    if kind == 0:
        out[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        out[at:at + width] = (rng.choice(INTERESTING) & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    elif kind == 2:
        value = int.from_bytes(out[at:at + width], "little") + rng.choice((-64, -8, -1, 1, 8, 24, 64, 4096))
        out[at:at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    else:
        out[at:at + width] = rng.randbytes(width)
