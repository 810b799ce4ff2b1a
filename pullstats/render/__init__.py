"""Answers to text and files. `sanitise` stands in front of every renderer.

To add a format: see `renderers`.
"""

from pullstats.render.output import write_output
from pullstats.render.renderer import Renderer, RenderOptions
from pullstats.render.renderers import RENDERERS, format_of_path, render, write_frames

__all__ = ["RENDERERS", "RenderOptions", "Renderer", "format_of_path", "render", "write_frames", "write_output"]
