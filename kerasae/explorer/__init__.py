"""A page to play with a model: one HTML file with the map of its codes, sliders and a canvas to draw on."""

from kerasae.explorer.writing import page

__all__ = ["page"]
