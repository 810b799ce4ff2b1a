"""Bytes to blocks of whole lines: paths, compression, cutting. Knows nothing of what a line means.

expand_paths(arguments)  →  SourceFile …
open_source(file)        →  Source (decompressed, rewindable to an offset)
read_blocks(source)      →  Block(data, offset) …
find_wrapper(head)       →  Unwrapper: Block → Unwrapped(messages, refused, ignored)
"""

from pullstats.sources.blocks import Block, LongLine, read_blocks
from pullstats.sources.compression import CODECS, Codec, detect_codec
from pullstats.sources.expansion import Expansion, parse_expansion
from pullstats.sources.framing import BY_LINE
from pullstats.sources.line_wrapper import LineWrapper
from pullstats.sources.line_wrappers import MAX_LAYERS, LinesUnwrapper, find_line_wrapper, take_off
from pullstats.sources.messages import Unwrapped, Unwrapper, Wrapper
from pullstats.sources.paths import SourceFile, expand_paths
from pullstats.sources.streams import Source, open_source
from pullstats.sources.wrappers import PARQUET, WRAPPERS, find_answer, find_wrapper, is_test_object

__all__ = [
    "BY_LINE",
    "CODECS",
    "MAX_LAYERS",
    "PARQUET",
    "WRAPPERS",
    "Block",
    "Codec",
    "Expansion",
    "LineWrapper",
    "LinesUnwrapper",
    "LongLine",
    "Source",
    "SourceFile",
    "Unwrapped",
    "Unwrapper",
    "Wrapper",
    "detect_codec",
    "expand_paths",
    "find_answer",
    "find_line_wrapper",
    "find_wrapper",
    "is_test_object",
    "open_source",
    "parse_expansion",
    "read_blocks",
    "take_off",
]
