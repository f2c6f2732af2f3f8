"""A strict reader of the Prometheus text format 0.0.4, just large enough to judge /metrics.

Every sample must belong to a family with HELP and TYPE before it; names, labels and values must be well formed.
"""

import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Metrics:
    def __init__(self, text: str):
        self.types, self.samples = {}, []
        helped = set()
        assert text.endswith("\n"), "the last line must end with a line feed"
        for line in text.splitlines():
            if line.startswith("# HELP "):
                helped.add(line.split(" ")[2])
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name in helped and name not in self.types, line
                self.types[name] = kind
            elif line:
                self.samples.append(self._sample(line))
        keys = [(name, tuple(sorted(labels.items()))) for name, labels, _ in self.samples]
        assert len(keys) == len(set(keys)), "a sample came twice"

    def _sample(self, line: str):
        name = NAME.match(line)[0]
        rest, labels = line[len(name):], {}
        if rest.startswith("{"):
            inner, _, rest = rest[1:].rpartition("}")
            labels = dict(LABEL.findall(inner))
            assert ",".join(f'{key}="{value}"' for key, value in LABEL.findall(inner)) == inner, line
        assert rest.startswith(" "), line
        family = [known for known, kind in self.types.items() if name in [known + suffix for suffix in SUFFIXES[kind]]]
        assert family, f"{name} has no TYPE"
        return name, labels, float(rest)

    @classmethod
    def of(cls, gateway):
        answer = gateway.admin("GET", "/metrics")
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer
        return cls(answer.body.decode())

    def all(self, name: str, **labels) -> list:
        return [(found, value) for other, found, value in self.samples if other == name and labels.items() <= found.items()]

    def value(self, name: str, **labels) -> float:
        """The one sample with these labels; 0 when the family exists without it."""
        found = self.all(name, **labels)
        assert len(found) <= 1 and (found or name in self.types), f"{name} {labels}: {found}"
        return found[0][1] if found else 0.0

    def sum(self, name: str, **labels) -> float:
        return sum(value for _, value in self.all(name, **labels))
