"""Bytes to blocks of whole lines: paths, compression, cutting. Knows nothing of what a line means.

expand_paths(arguments)  →  SourceFile …
open_source(file)        →  Source (decompressed, rewindable to an offset)
read_blocks(source)      →  Block(data, offset, line) …
"""

from pullstats.sources.blocks import Block, LongLine, read_blocks
from pullstats.sources.compression import CODECS, Codec, detect_codec
from pullstats.sources.paths import SourceFile, expand_paths
from pullstats.sources.streams import Source, open_source

__all__ = ["CODECS", "Block", "Codec", "LongLine", "Source", "SourceFile", "detect_codec", "expand_paths", "open_source", "read_blocks"]
