"""The 27 sets of imbalanced-learn's benchmark collection: names, sizes, file hashes."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One set: the collection's table, and the minority count of the recorded file.

    No file of set 26 is recorded; its count is that of the KDD Cup source.
    """

    id: int
    name: str
    origin: str
    n_samples: int
    n_features: int
    n_minority: int

    @property
    def file_name(self):
        return f"x{self.id}data.npz"

    @property
    def ratio(self):
        return (self.n_samples - self.n_minority) / self.n_minority


ENTRIES = (
    Entry(1, "ecoli", "UCI, target: imU", 336, 7, 35),
    Entry(2, "optical_digits", "UCI, target: 8", 5620, 64, 554),
    Entry(3, "satimage", "UCI, target: 4", 6435, 36, 626),
    Entry(4, "pen_digits", "UCI, target: 5", 10992, 16, 1055),
    Entry(5, "abalone", "UCI, target: 7", 4177, 10, 391),
    Entry(6, "sick_euthyroid", "UCI, target: sick euthyroid", 3163, 42, 293),
    Entry(7, "spectrometer", "UCI, target: >=44", 531, 93, 45),
    Entry(8, "car_eval_34", "UCI, target: good, v good", 1728, 21, 134),
    Entry(9, "isolet", "UCI, target: A, B", 7797, 617, 600),
    Entry(10, "us_crime", "UCI, target: >0.65", 1994, 100, 150),
    Entry(11, "yeast_ml8", "LIBSVM, target: 8", 2417, 103, 178),
    Entry(12, "scene", "LIBSVM, target: >one label", 2407, 294, 177),
    Entry(13, "libras_move", "UCI, target: 1", 360, 90, 24),
    Entry(14, "thyroid_sick", "UCI, target: sick", 3772, 52, 231),
    Entry(15, "coil_2000", "KDD, CoIL, target: minority", 9822, 85, 586),
    Entry(16, "arrhythmia", "UCI, target: 06", 452, 278, 25),
    Entry(17, "solar_flare_m0", "UCI, target: M->0", 1389, 32, 68),
    Entry(18, "oil", "UCI, target: minority", 937, 49, 41),
    Entry(19, "car_eval_4", "UCI, target: vgood", 1728, 21, 65),
    Entry(20, "wine_quality", "UCI, wine, target: <=4", 4898, 11, 183),
    Entry(21, "letter_img", "UCI, target: Z", 20000, 16, 734),
    Entry(22, "yeast_me2", "UCI, target: ME2", 1484, 8, 51),
    Entry(23, "webpage", "LIBSVM, w7a, target: minority", 34780, 300, 981),
    Entry(24, "ozone_level", "UCI, ozone, data", 2536, 72, 73),
    Entry(25, "mammography", "UCI, target: minority", 11183, 6, 260),
    Entry(26, "protein_homo", "KDD CUP 2004, minority", 145751, 74, 1296),
    Entry(27, "abalone_19", "UCI, target: 19", 4177, 10, 32),
)

# Hashes of the collection's own files, or of rebuilt ones for names in REBUILT_FROM.
# There was no file of set 26 to hash.
SHA256 = {
    1: "126f2ec169536858333f98f5d80663e9f066d931cdd302f16941fc25a274ca8b",
    2: "6c492eb49a32a79ad8948d6764ae04381af8a7ceb5883c38d4facf3022a406b6",
    3: "06b3c247db5900d4c02a64e28188d7d6b3758019d06eb37db1dc3635d9f82253",
    4: "ce7affeab9461c0ec366c123bc6f88d2d9286ede43869594e031b3910609c78f",
    5: "660fbf73a93cfbd9cbdf3091827c5ea1986fbae4f833c52795b218224cecfeaf",
    6: "71f7e5be4aaaf14bacf7940c776eca5e28142fc9e8df968aa92ab45179d59764",
    7: "c8d4249f09c832089474606b09a0d3a3900265634951afea1bd0b593ea2bf852",
    8: "8da506a8d480473fbbcce6d6e0534246de40a3fa9261d3b740164a32499df10a",
    9: "ce2996cbe324f1e90c35864bdb6a2abaaf3564d28b8f1afb5cfda9f2b4ba1e41",
    10: "bf6ac9536562ee51503bd6a8a27e232cfad3a30be7e3e60d9105dc0844e40fca",
    11: "b43b195c198551a1cde3dbbccb0fac131d44cd215bfce3452e5235cbbd4250fd",
    12: "229b6c13e0ac15de5ffd39c3e768f57e9e226e5298e6de4f191f722852e8f0d9",
    13: "9965e77274f9e10e9d1d5b0febeaee911d9b51178b319bb55554c43d5b92989f",
    14: "278f3858c2312cb7af2d2f3221fd2fd29fb5fead522f649c4b0bd71a20727b76",
    15: "e93692bc10494bb14b757a27a8e785168ea315e457e8b30ea67fa3aa6e517b26",
    16: "b4660c3fab15a32df0f35319b59f32b922db567051501d369241195b810e21da",
    17: "747755eaa617bf0af2706ff21d3415f4c1771dfd53859e19fcc11b04662448fb",
    18: "bd42ef56879e3fa0ccb8375aed0119dfc730de20f75cb0ec62865ba616df69ee",
    19: "90371d46ac4c40742a37f714018421594a894c299d9f10bc7004f09876ba09c9",
    20: "fc91649b81e511ed896f8c2eb6ba072b3a6cc4c19da962512241ca557e085cb6",
    21: "5508d65b0d49c3dd9d845ed453047f5db2c61fc4b38fdc32c53513b132de5e90",
    22: "d6e541d50376f3c9720151125db68c8ba743fff74773b06318674fa748494bd4",
    23: "fb00287492fa0047252cac003d65c723d270c7c92387c9c0b7171445370e6ded",
    24: "e59a0073db7dc4b2f7d58c7b25ba9581f20e1dcea2c4703b79927a61e4504ef9",
    25: "73480c315d42bc5b33c2c73b9078d0034113d26f0511facd9fc5bb07f2d6438a",
    27: "76122e2fafcd4c8cc272154c97d8d4c0f363e82e98bb493f116110f74c2ee3fc",
}

IMBLEARN27 = {entry.name: entry for entry in ENTRIES}

#: The names of the 27 sets, in the order of the collection.
IMBLEARN27_NAMES = tuple(IMBLEARN27)

#: Pairs of sets with the same rows and different targets.
IMBLEARN27_SHARED_ROWS = (
    ("abalone", "abalone_19"),
    ("car_eval_34", "car_eval_4"),
)

# Sources of the four rebuilt files. They have the rows and columns of the collection's
# table, but have not been shown to equal its files.
REBUILT_FROM = {
    "isolet": "parts 1 to 5 of the UCI data, target A or B",
    "scene": "the LIBSVM training and test parts, target more than one label",
    "coil_2000": "the training part, the evaluation part and its targets of the CoIL "
    "2000 challenge",
    "webpage": "LIBSVM w8a with repeated rows removed (34.45 to 1 where the "
    "collection's table gives 33 to 1)",
}
