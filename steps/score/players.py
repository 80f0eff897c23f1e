"""The nearest real speakers of a few samples as cards of the page, each with players of their clips."""

import base64
from collections.abc import Sequence
from html import escape

from steps.score.neighbours import Clips, Neighbour, Neighbourhood
from steps.score.page import Part

TITLE = "Who do they sound like?"
CAPTION = (
    "The first samples of {model}, and for each the two training speakers that are nearest by cosine distance: a "
    "sample would sound like somebody between them. Good samples are about as far from their nearest speaker as unseen "
    "real speakers are (median {usual:.2f}): much nearer is a copy of that speaker, much farther a voice that nobody "
    "has. The speakers should also be of the kind that was asked for."
)


def players(name: str, found: Sequence[Neighbourhood], usual: float, clips: Clips) -> Part:
    """The part of the page; without audio it says why."""
    cards = "\n".join(card(number, one, clips) for number, one in enumerate(found, 1))
    note = f'<p class="note">{escape(clips.reason)}</p>\n' if clips.reason else ""
    caption = f'<p class="caption">{escape(CAPTION.format(model=name, usual=usual))}</p>'
    return Part("neighbours", TITLE, f'{note}<div class="heard">\n{cards}\n</div>\n{caption}')


def card(number: int, one: Neighbourhood, clips: Clips) -> str:
    """A sample and its neighbours."""
    asked = f": {one.asked.replace('_', ' ')}" if one.asked else ""
    rows = "\n".join(neighbour(own, clips) for own in one.nearest)
    return f"<div><h3>{escape(f'Sample {number}{asked}')}</h3>\n{rows}</div>"


def neighbour(one: Neighbour, clips: Clips) -> str:
    """A real speaker: the name, what is known, and the player."""
    group = f", {one.group.replace('_', ' ')}" if one.group else ""
    told = f"<p><strong>{escape(one.speaker)}</strong>{escape(f'{group}: distance {one.distance:.2f}')}</p>\n"
    if one.clip:
        data = base64.b64encode(one.clip).decode()
        label = escape(f"Speech of {one.speaker}, {one.utterance}")
        player = f'<audio controls preload="metadata" aria-label="{label}" src="data:audio/flac;base64,{data}">'
        return f"{told}{player}</audio>"
    return told if clips.reason else f'{told}<p class="note">{escape(one.problem)}</p>'
