"""What is scored, as the parameters of a rule hold it."""

import json

from rnatracks.evaluation.scored_tracks import ModelTrack, Scored, ScoredPair
from rnatracks.vocabulary import Strand, Track


def test_what_is_scored_passes_through_plain_values() -> None:
    """Names with dots, which tracks have too, and a cell type without another one."""
    first, second = (ModelTrack("a.b", Track(name, Strand.MINUS)) for name in ("B.2", "NK"))
    scored = Scored(
        tracks=[first, second],
        pairs=[ScoredPair("a", first, second)],
        families={"a.b": "a"},
        others={"B.2": "NK", "NK": None},
        half_sizes={"B.2": [2, 1], "NK": [1, 0]},
        baselines=["cnn"],
    )
    plain = scored.to_plain()
    assert plain["tracks"] == [("a.b", "B.2.minus"), ("a.b", "NK.minus")]
    assert Scored.from_plain(json.loads(json.dumps(plain))) == scored
    assert scored.halved == [first.track]
