import pytest

from tfproductgan.metrics.views import SIDE_BY_SIDE, both_views, contradiction, view_of


def test_a_distance_knows_its_view():
    assert view_of("fid") == view_of("kid") == "what is shown"
    assert view_of("look") == view_of("look_kid") == "how it looks"
    assert view_of("recall") is None
    assert SIDE_BY_SIDE == ("fid", "look", "kid", "look_kid")


def test_halving_either_distance_counts_the_same():
    assert both_views(4, 100) == 20
    assert both_views(2, 100) == both_views(4, 50)


@pytest.mark.parametrize(
    ("shown", "look", "better"),
    [
        ([(1, 2), (3, 4)], [(7, 8), (5, 6)], 0),
        ([(3, 4), (1, 2)], [(5, 6), (7, 8)], 1),
        ([(1, 2), (3, 4)], [(5, 6), (7, 8)], None),  # of one mind
        ([(1, 3), (2, 4)], [(7, 8), (5, 6)], None),  # hardly different in the first
        ([(1, 2), (3, 4)], [(6, 8), (5, 7)], None),
        ([(1, 1), (2, 2)], [(2, 2), (2, 2)], None),
    ],
)
def test_views_contradict_each_other_only_where_both_are_sure(shown, look, better):
    assert contradiction(shown, look) == better
