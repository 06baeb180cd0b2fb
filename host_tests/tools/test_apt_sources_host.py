"""apt_sources: both forms of source lists, and which of their entries count."""

from tools import apt_sources

DEB822 = """\
Types: deb
# a comment
URIs: http://archive.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/example.gpg

Types: deb deb-src
URIs: http://security.example.org/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example.org/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://comment.example.org/debian bookworm main
deb http://archive.example.org/debian bookworm main contrib # behind
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example.org/debian bookworm main
deb-src http://archive.example.org/debian bookworm main
deb [arch=amd64] https://vendor.example.org/linux bookworm stable
"""

INLINE_KEY = """\
Types: deb
URIs: http://archive.example.org/ubuntu
Suites: noble noble-updates
Components: main universe restricted
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
"""


def machine(root, release: str, files: dict):
    (root / "etc/apt/sources.list.d").mkdir(parents=True)
    (root / "etc/os-release").write_text(release)
    for name, text in files.items():
        (root / "etc/apt" / name).write_text(text)
    return apt_sources.read_system(str(root))


def test_deb822_gives_the_release_only(tmp_path):
    system = machine(
        tmp_path, 'ID=debian\nVERSION_CODENAME="bookworm"\n', {"sources.list.d/d.sources": DEB822}
    )
    assert system.codename == "bookworm"
    assert [archive.uri for archive in system.archives] == ["http://archive.example.org/debian"]
    assert system.archives[0].options == {"Signed-By": "/usr/share/keyrings/example.gpg"}


def test_one_line_entries_leave_out_sources_comments_and_vendors(tmp_path):
    system = machine(
        tmp_path, "ID=debian\nVERSION_CODENAME=bookworm\n", {"sources.list": ONE_LINE}
    )
    assert [archive.uri for archive in system.archives] == [
        "http://archive.example.org/debian",
        "http://mirror.example.org/debian",
    ]
    assert system.archives[1].options == {"Signed-By": "/k.gpg"}


def test_a_key_written_into_the_file_is_kept_whole(tmp_path):
    system = machine(
        tmp_path,
        "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n",
        {"sources.list.d/ubuntu.sources": INLINE_KEY, "sources.list.d/old.disabled": DEB822},
    )
    assert system.families == ("ubuntu", "debian")
    text = apt_sources.render(system.archives, "questing")
    assert "Suites: questing\nComponents: main universe\nSigned-By: \n -----BEGIN" in text
    assert text.endswith(" -----END PGP PUBLIC KEY BLOCK-----\n")
    again = list(apt_sources.parse_deb822(text))
    assert again[0][:2] == ("http://archive.example.org/ubuntu", "questing")


def test_another_system_has_no_archive(tmp_path):
    assert apt_sources.read_system(str(tmp_path)) is None
    assert machine(tmp_path, "ID=fedora\nVERSION_CODENAME=\n", {}) is None
