import numpy as np

from tfproductgan.conditions import ConditionSchema
from tfproductgan.metrics.attribution import Attribution
from tfproductgan.reports.explanation import Explanation, explanation_figure, explanation_page

PICTURE = np.full((8, 8, 1), 200, np.uint8)
MAP = np.linspace(-1, 1, 64).reshape(8, 8)


def test_pictures_and_maps_have_the_proportions_of_the_photos_and_what_is_not_complete_is_said():
    found = Attribution(2.0, 1.0, MAP, MAP, 288, 1.5, 1.9)
    schema = ConditionSchema((), 8, 1, aspect=0.5)
    explanation = Explanation("<b>", PICTURE, schema, [("looks real", found)], notes=["No photos."])
    figure = explanation_figure(explanation)
    assert [axes.images[0].get_array().shape for axes in figure.axes] == [(8, 4)] * 3
    page = explanation_page(explanation, figure)
    assert "<b>" not in page and "No photos." in page
    assert "Integrated gradients of “looks real” miss the difference of scores by 100 %" in page
