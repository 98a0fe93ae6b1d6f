import pytest

from tfproductgan.catalogue.near_names import NearNames

PHOTOS = NearNames(
    [
        "IMG_0.JPG",
        "mugs/1.png",
        "mugs/Grüne Tasse.webp",
        "rings/2.jpg",
        "rings/0007.jpg",
        "a.jpg",
        "a.png",
        "b-scaled.jpg",
    ]
)


@pytest.mark.parametrize(
    ("name", "photo", "how"),
    [
        ("img_0.jpg", "IMG_0.JPG", "in another case"),
        ("IMG_0", "IMG_0.JPG", "without extension"),
        ("img_0.png", "IMG_0.JPG", "in another case and with another extension"),
        ("IMG_0.HEIC", "IMG_0.JPG", "with another extension"),
        ("IMG_0.JPG.png", "IMG_0.JPG", "with another extension"),
        ("1.png", "mugs/1.png", "with other folders"),
        ("MUGS/1.png", "mugs/1.png", "in another case"),
        ("photos/mugs/1.jpeg", "mugs/1.png", "with other folders and with another extension"),
        (r"C:\Users\anna\shop\mugs\1.png", "mugs/1.png", "with other folders"),
        ("/home/anna/shop/mugs/1.png", "mugs/1.png", "with other folders"),
        ("file:///home/anna/IMG_0.JPG", "IMG_0.JPG", "with other folders"),
        ("https://cdn.example.com/img/mugs/1.png?width=300", "mugs/1.png", "with other folders"),
        ("/media/mugs/1.png?v=2", "mugs/1.png", "with other folders"),
        ("s3://bucket/mugs/1.png", "mugs/1.png", "otherwise"),
        ("../mugs/1.png", "mugs/1.png", "otherwise"),
        ("mugs/Gr%C3%BCne%20Tasse.webp", "mugs/Grüne Tasse.webp", "otherwise"),
        ("mugs/gru\u0308ne tasse", "mugs/Grüne Tasse.webp", "in another case and without extension"),
        ("mugs/Gru\u0308ne Tasse.webp", "mugs/Grüne Tasse.webp", "otherwise"),
        ("rings/7.jpg", "rings/0007.jpg", "with other zeros"),
        ("7", "rings/0007.jpg", "with other folders and with other zeros"),
        ("2.0", "rings/2.jpg", "with other folders and with other zeros"),
        ("A.PNG", "a.png", "in another case"),
        ("IMG_0-1024x768.jpg", "IMG_0.JPG", "in another size"),
        ("b.jpg", "b-scaled.jpg", "in another size"),
        ("https://a.b/b-300x300.jpg", "b-scaled.jpg", "in another size"),
        ("https://a.b/mugs/Gr%C3%BCne+Tasse.webp", "mugs/Grüne Tasse.webp", "otherwise"),
    ],
)
def test_names_that_others_wrote(name, photo, how):
    assert PHOTOS.find(name) == ([photo], how)


@pytest.mark.parametrize("name", ["", "/", "..", "IMG_1.JPG", "rings/1.png", "IMG_0.txt", "IMG_", "%", "http://"])
def test_names_of_no_photo(name):
    assert PHOTOS.find(name) == ([], "")


def test_posters_of_other_sizes_are_other_products():
    photos = NearNames(["moon-300x400.jpg", "sun-50x70.jpg", "sun-300x300.jpg", "sun-scaled.jpg"])
    assert photos.find("moon-500x700.jpg") == photos.find("sun-30x40.jpg") == ([], "")
    assert photos.find("sun.jpg")[0] == ["sun-300x300.jpg", "sun-scaled.jpg"]


def test_what_may_be_several_is_all_of_them():
    assert PHOTOS.find("a")[0] == ["a.jpg", "a.png"]
    assert NearNames(["A.jpg", "a.JPG"]).find("a.jpg")[0] == ["A.jpg", "a.JPG"]
    assert NearNames(["images/1.jpg", "thumbs/1.jpg"]).find("1.jpg")[0] == ["images/1.jpg", "thumbs/1.jpg"]


def test_the_longest_path_and_the_tables_own_folder_go_first():
    photos = NearNames(["1.jpg", "mugs/1.jpg", "shop/images/1.jpg", "other/images/1.jpg"])
    assert photos.find("/data/mugs/1.jpg")[0] == ["mugs/1.jpg"]
    assert photos.find("1.jpg", "shop")[0] == ["shop/images/1.jpg"]
    assert photos.find("IMAGES/1.jpg", "shop") == (["shop/images/1.jpg"], "in another case")


def test_the_share_of_photos_that_names_are_of():
    photos = NearNames([f"{number}.jpg" for number in range(100)])
    assert photos.share([str(number) for number in range(50, 150)]) == 0.5
    assert photos.share(["1", "2", "3"] * 40) == 0.03
    assert photos.share([]) == 0


def test_the_only_folder_of_all_photos_may_be_called_otherwise_elsewhere():
    photos = NearNames(["photos/1.jpg", "photos/2.jpg"])
    for name in ("https://cdn.example.com/products/1.jpg?v=2", "/home/anna/shop/1.jpg", r"D:\shop\1.jpg"):
        assert photos.find(name) == (["photos/1.jpg"], "with other folders")
    assert photos.find("rings/1.jpg") == ([], "")
