"""What setup.cfg cannot say: the packages that are found, plus the folder `saved_models/` as one of them."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["tfproductgan", "tfproductgan.*"]), "tfproductgan.saved_models"],
    package_dir={"tfproductgan.saved_models": "saved_models"},
)
