"""What a process holds: memory, descriptors, mappings, threads; and how that grows from one cycle to the next."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Footprint:
    kib: int  # anonymous memory: heaps, stacks, pages that were written
    shared_kib: int  # of the memory that all processes see; its size is fixed, but it is touched little by little
    descriptors: int
    maps: int
    threads: int

    @classmethod
    def of(cls, pid: int):
        place = Path(f"/proc/{pid}")
        status = (place / "status").read_text()

        def resident(name: str) -> int:
            return int(re.search(rf"^{name}:\s+(\d+)", status, re.M)[1])

        return cls(
            kib=resident("RssAnon"), shared_kib=resident("RssShmem"), descriptors=len(list((place / "fd").iterdir())),
            maps=len((place / "maps").read_text().splitlines()),
            threads=len(list((place / "task").iterdir())))


class Growth:
    """Samples of one process: `sample(cycle)` now and then, `slope("kib")` at the end."""

    def __init__(self, pid: int):
        self.pid, self.samples = pid, []

    def sample(self, cycle: int):
        self.samples.append((cycle, Footprint.of(self.pid)))

    def settled(self) -> list:
        """Without the first fifth, in which pools and heaps find their size."""
        return self.samples[len(self.samples) // 5:]

    def slope(self, name: str) -> float:
        """Least squares: units a cycle."""
        points = [(cycle, getattr(footprint, name)) for cycle, footprint in self.settled()]
        middle_x, middle_y = (sum(column) / len(points) for column in zip(*points))
        spread = sum((x - middle_x) ** 2 for x, _ in points)
        return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread

    def range(self, name: str) -> int:
        values = [getattr(footprint, name) for _, footprint in self.settled()]
        return max(values) - min(values)
