"""hnswlib index files changed by hand, each in one way that hnswlib itself would not notice, or not survive."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = struct.Struct("<6QiI3QdQ")
FIELDS = {
    "offset_level0": "Q",
    "max_elements": "Q",
    "cur_element_count": "Q",
    "size_data_per_element": "Q",
    "label_offset": "Q",
    "data_offset": "Q",
    "maxlevel": "i",
    "enterpoint_node": "I",
    "max_m": "Q",
    "max_m0": "Q",
    "m": "Q",
    "mult": "d",
    "ef_construction": "Q",
}


class GraphFile:
    """The bytes of an index file, and where each part of it is."""

    records_start = HEADER.size

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)

    def header_place(self, field: str) -> tuple[int, int]:
        """(offset, size in bytes)."""
        names = list(FIELDS)
        before = "<" + "".join(FIELDS[name] for name in names[: names.index(field)])
        return struct.calcsize(before), struct.calcsize("<" + FIELDS[field])

    def get(self, field: str) -> Any:
        return struct.unpack_from("<" + FIELDS[field], self.content, self.header_place(field)[0])[0]

    def put(self, field: str, value: float) -> None:
        struct.pack_into("<" + FIELDS[field], self.content, self.header_place(field)[0], value)

    def record(self, row: int) -> int:
        """The offset of an element's record: links, vector, label."""
        return self.records_start + row * int(self.get("size_data_per_element"))

    def upper_lists(self, layer: int) -> list[tuple[int, int]]:
        """(element, offset of its list of links) for all elements that have this layer."""
        place, width, found = self.record(self.get("cur_element_count")), 4 * (self.get("max_m") + 1), []
        for element in range(self.get("cur_element_count")):
            (size,) = struct.unpack_from("<I", self.content, place)
            if size >= layer * width:
                found.append((element, place + 4 + (layer - 1) * width))
            place += 4 + size
        return found

    def write(self, layout: str, place: int, value: float) -> None:
        struct.pack_into(layout, self.content, place, value)


def header(field: str, value: float) -> Callable[[GraphFile], str]:
    def change(graph: GraphFile) -> str:
        graph.put(field, value)
        return field

    return change


def starts_on_a_low_element(graph: GraphFile) -> str:
    high = {element for element, _ in graph.upper_lists(1)}
    graph.put("enterpoint_node", min(set(range(graph.get("cur_element_count"))) - high))
    return "its search starts at element"


def starts_at_a_layer(layer: int) -> Callable[[GraphFile], str]:
    def change(graph: GraphFile) -> str:
        graph.put("maxlevel", layer)
        return f"its search starts at element .* on layer {layer}"

    return change


def starts_outside(graph: GraphFile) -> str:
    graph.put("enterpoint_node", 2**31)
    return "starts its search at element 2147483648 of"


def starts_too_high(graph: GraphFile) -> str:
    graph.put("maxlevel", graph.get("maxlevel") + 1)
    return "its search starts at element .* the highest of all is"


def too_many_links(graph: GraphFile) -> str:
    graph.write("<H", graph.record(5), graph.get("max_m0") + 1)
    return "element 5 has more than .* links on layer 0"


def deleted(graph: GraphFile) -> str:
    graph.content[graph.record(6) + 2] |= 1
    return "element 6 .* is deleted"


def a_link_out_of_range(graph: GraphFile) -> str:
    graph.write("<I", graph.record(7) + 4, graph.get("cur_element_count"))
    return "element 7 has a link on layer 0 beyond"


def too_many_upper_links(graph: GraphFile) -> str:
    element, place = graph.upper_lists(1)[3]
    graph.write("<I", place, graph.get("max_m") + 1)
    return f"element {element} has invalid links on layer 1"


def an_upper_link_out_of_range(graph: GraphFile) -> str:
    element, place = graph.upper_lists(2)[0]
    graph.write("<I", place, 1)
    graph.write("<I", place + 4, 2**31)
    return f"element {element} has invalid links on layer 2"


def an_upper_link_to_a_low_element(graph: GraphFile) -> str:
    """hnswlib would read the list of an element that has none: a null pointer and an offset."""
    (element, place), high = graph.upper_lists(1)[0], {element for element, _ in graph.upper_lists(1)}
    graph.write("<I", place, 1)
    graph.write("<I", place + 4, min(set(range(graph.get("cur_element_count"))) - high))
    return f"element {element} has invalid links on layer 1"


def half_a_layer(graph: GraphFile) -> str:
    element, place = graph.upper_lists(1)[0]
    graph.write("<I", place - 4, struct.unpack_from("<I", graph.content, place - 4)[0] + 4)
    return f"the upper layers of element {element} have .* bytes"


def absurd_upper_layers(graph: GraphFile) -> str:
    element, place = graph.upper_lists(1)[0]
    graph.write("<I", place - 4, 4 * (graph.get("max_m") + 1) * 50_000_000)
    return f"the upper layers of element {element} have .* bytes"


def an_element_too_many(graph: GraphFile) -> str:
    graph.content += bytes(4)
    return "it has upper layers for .* elements"


def cut(graph: GraphFile) -> str:
    del graph.content[-4:]
    return "upper layers"


def not_a_number(graph: GraphFile) -> str:
    graph.write("<f", graph.record(8) + graph.get("data_offset"), float("nan"))
    return "element 8 has a vector that is not of length 1"


def infinite(graph: GraphFile) -> str:
    graph.write("<f", graph.record(9) + graph.get("data_offset"), float("inf"))
    return "element 9 has a vector that is not of length 1"


def too_long(graph: GraphFile) -> str:
    graph.write("<f", graph.record(10) + graph.get("data_offset"), 1.5)
    return "element 10 has a vector that is not of length 1"


def a_repeated_label(graph: GraphFile) -> str:
    places = [graph.record(row) + graph.get("label_offset") for row in (11, 12)]
    graph.content[places[1] : places[1] + 8] = graph.content[places[0] : places[0] + 8]
    return "1 of its labels repeat"


def a_negative_label(graph: GraphFile) -> str:
    graph.write("<q", graph.record(13) + graph.get("label_offset"), -1)
    return "it has the label -1, which is negative"


CRAFTED: dict[str, Callable[[GraphFile], str]] = {
    "offset_level0 is not 0": header("offset_level0", 8),
    "max_elements below the count": header("max_elements", 1),
    "max_elements absurd": header("max_elements", 2**40),
    "no element": header("cur_element_count", 0),
    "record size": header("size_data_per_element", 2**33),
    "label offset": header("label_offset", 2**33),
    "vectors' offset": header("data_offset", 0),
    "maxlevel absurd": starts_at_a_layer(1_000_000),
    "maxlevel negative": starts_at_a_layer(-1),
    "maxlevel one too high": starts_too_high,
    "entry point out of range": starts_outside,
    "entry point on layer 0": starts_on_a_low_element,
    "maxM absurd": header("max_m", 2**40),
    "maxM0 absurd": header("max_m0", 2**40),
    "M absurd": header("m", 2**40),
    "mult is not a number": header("mult", float("nan")),
    "ef_construction absurd": header("ef_construction", 2**60),
    "too many links on layer 0": too_many_links,
    "a link on layer 0 out of range": a_link_out_of_range,
    "a deleted element": deleted,
    "too many links above": too_many_upper_links,
    "a link above out of range": an_upper_link_out_of_range,
    "a link above to an element without that layer": an_upper_link_to_a_low_element,
    "half an upper layer": half_a_layer,
    "absurd upper layers": absurd_upper_layers,
    "an element too many above": an_element_too_many,
    "upper layers cut": cut,
    "NaN in a vector": not_a_number,
    "infinity in a vector": infinite,
    "a vector too long": too_long,
    "a label twice": a_repeated_label,
    "a negative label": a_negative_label,
}
"""Each changes a file and returns a pattern of the reason for its refusal."""
