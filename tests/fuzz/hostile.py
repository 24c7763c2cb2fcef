"""hypothesis strategies for hostile bytes: noise, and right messages gone wrong in a few places."""

from hypothesis import strategies as st

from tests.fuzz.seeds_of import seeds_of

#: What parsers stumble over: ends, escapes, depth, numbers beyond every type.
TOKENS = [
    b"",
    b"\0",
    b"\xff",
    b"\xc0\x80",
    b"\r\n",
    b"\n\n",
    b'"',
    b"\\ud800",
    b"\\u0000",
    b"%00",
    b"%ff",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"9" * 30,
    b"9" * 5000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b"x" * 5000,
    "\U0001d518".encode(),
    "\u202e".encode(),
    b"\x80\x80\x80\x80\x80\x80",
]


def hostile(target: str) -> st.SearchStrategy[bytes]:
    """Bytes for one target."""
    seeds = seeds_of(target)
    return st.one_of(st.binary(max_size=300), mutated(seeds)) if seeds else st.binary(max_size=300)


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed with up to three of its parts replaced: by a token, noise, or a part of another."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(_replacement(seeds)) + data[end:]
    return data


def _replacement(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8), st.sampled_from(seeds))
