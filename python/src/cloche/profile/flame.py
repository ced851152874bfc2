"""Draw folded stacks as a flame graph (Gregg 2016), in SVG that needs no script: widths are samples, the root is below.

With a base the colours say what has changed: red frames have a greater share of the samples than they had, blue ones a
smaller. py-spy draws only what it has just sampled, and no difference of two.
"""

import xml.etree.ElementTree as ET
import zlib
from dataclasses import dataclass, field

from cloche.profile.stacks import Stacks

# A smaller difference of shares is drawn white.
_WHITE = 0.001
WIDTH, ROW, TOP, SIDE = 1200, 17, 34, 10
# Narrower frames are not drawn, and narrower ones than the second have no room for a name.
LEAST, NAMED, LETTER = 1.2, 28, 6.6


@dataclass
class Node:
    """A frame with all that stands on it: samples here and, of the base, there."""

    here: int = 0
    there: int = 0
    children: dict[str, "Node"] = field(default_factory=dict)

    def add(self, stack: tuple[str, ...], here: int, there: int) -> None:
        """Add samples along a stack."""
        node = self
        node.here, node.there = node.here + here, node.there + there
        for name in stack:
            node = node.children.setdefault(name, Node())
            node.here, node.there = node.here + here, node.there + there

    def depth(self) -> int:
        """Return how many rows this takes."""
        return 1 + max((child.depth() for child in self.children.values()), default=0)


def colour(name: str) -> str:
    """Return a warm colour, the same for a name in every graph."""
    value = zlib.crc32(name.encode())
    return f"rgb({205 + value % 50},{80 + value // 50 % 110},{value // 5500 % 55})"


def difference(share: float, before: float) -> str:
    """Return red for a share that has grown and blue for one that has shrunk, the fuller the more."""
    change = share - before
    strength = min(1.0, abs(change) * 5)
    rest = round(255 - 175 * strength)
    if abs(change) < _WHITE:
        return "rgb(240,240,240)"
    return f"rgb(255,{rest},{rest})" if change > 0 else f"rgb({rest},{rest},255)"


def draw(title: str, head: Stacks, base: Stacks | None = None) -> str:
    """Return the flame graph of some stacks, or how they differ from a base's."""
    root = Node()
    for stack, count in head.samples.items():
        root.add(tuple(map(str, stack)), count, 0)
    for stack, count in base.samples.items() if base else ():
        root.add(tuple(map(str, stack)), 0, count)
    height = TOP + root.depth() * ROW + 10
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "font-family": "monospace",
            "font-size": "11",
        },
    )
    ET.SubElement(svg, "title").text = title
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "rgb(255,255,255)"})
    ET.SubElement(svg, "text", {"x": str(SIDE), "y": "20", "font-size": "14"}).text = title
    _frames(svg, root, height - 10 - ROW, compared=base is not None)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _frames(svg: ET.Element, root: Node, bottom: int, *, compared: bool) -> None:
    samples, before = max(root.here, 1), max(root.there, 1)
    scale = (WIDTH - 2 * SIDE) / samples
    pending = [("all", root, float(SIDE), bottom)]
    while pending:
        name, node, x, y = pending.pop()
        width = node.here * scale
        if width < LEAST:
            continue
        group = ET.SubElement(svg, "g")
        share, other = node.here / samples, node.there / before
        words = f"{name}: {node.here} samples, {share * 100:.1f} %"
        ET.SubElement(group, "title").text = f"{words}; base {other * 100:.1f} %" if compared else words
        fill = difference(share, other) if compared else colour(name)
        box = {"x": f"{x:.1f}", "y": str(y), "width": f"{width:.1f}", "height": str(ROW - 1), "fill": fill}
        ET.SubElement(group, "rect", box)
        if width >= NAMED:
            room = int((width - 6) / LETTER)
            text = name if len(name) <= room else name[: room - 1] + "…"
            ET.SubElement(group, "text", {"x": f"{x + 3:.1f}", "y": str(y + 12)}).text = text
        for child, below in sorted(node.children.items()):
            pending.append((child, below, x, y - ROW))
            x += below.here * scale
