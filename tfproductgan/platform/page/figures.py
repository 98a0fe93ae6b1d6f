"""What the figures of `evaluate` mean, for people who have never heard of them; templates translate it."""

MEANING = {
    "fid": "How far what is shown is from photos",
    "look": "How far its look is from photos",
    "precision": "Share of pictures that are like photos",
    "recall": "Share of photos that have something like them among its pictures",
    "coverage": "Share of photos with a picture beside them",
    "diversity": "How much pictures differ",
    "repeated": "Share of pictures that are drawn more than once",
    "nearer_to_train": "Share of pictures nearer to photos it learnt from than to others",
    "close_to_train": "Share of pictures that are close to copies of photos it learnt from",
}
"""Name of a figure to words."""

ACCURACY = "accuracy/"
"""Before the name of an attribute: the share of pictures that show what was asked for."""

BETTER = {"lower": "less", "higher": "more"}
"""What is better, to words."""
