"""Ratios as an SVG picture: a bar for each candidate, a group for each piece of work, the first candidate
of a group being 1. Longer is better everywhere."""

from html import escape

LEFT, RIGHT, TOP, ROW, GAP, WIDTH = 190, 130, 56, 18, 14, 960
COLOURS = {"vireo uring": "#2266bb", "vireo epoll": "#5599dd"}
OTHERS = "#a8a8a8"


def ratio(result, first):
    """How many times better than the first of the group: rates, or times upside down."""
    if "p50_us" in result:
        return first["p50_us"]["median"] / result["p50_us"]["median"]
    return result["frames_per_second"]["median"] / first["frames_per_second"]["median"]


def figure(result):
    if "p50_us" in result:
        return f"p50 {result['p50_us']['median']:.1f} us"
    rate = result["frames_per_second"]["median"]
    return f"{rate / 1e6:.2f} M/s" if rate >= 1e5 else f"{rate:,.0f}/s"


def draw(results, title):
    groups = {}
    for result in results:
        groups.setdefault(result["work"], []).append(result)
    most = max((ratio(row, rows[0]) for rows in groups.values() for row in rows), default=1)
    scale = (WIDTH - LEFT - RIGHT) / max(1.2, most)
    parts = []
    y = TOP
    for work, rows in groups.items():
        parts.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(work)}</text>')
        y += ROW
        for row in rows:
            value = ratio(row, rows[0])
            colour = COLOURS.get(row["candidate"], OTHERS)
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(row["candidate"])}</text>'
                f'<rect x="{LEFT}" y="{y + 2}" width="{max(1, value * scale):.1f}" height="{ROW - 5}" '
                f'fill="{colour}"/>'
                f'<text x="{LEFT + value * scale + 6:.1f}" y="{y + 12}">{value:.2f} x, '
                f'{escape(figure(row))}</text>')
            y += ROW
        y += GAP
    line = (f'<line x1="{LEFT + scale:.1f}" y1="{TOP - 6}" x2="{LEFT + scale:.1f}" y2="{y}" '
            'stroke="#cc4444" stroke-dasharray="4 3"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{y + 10}" fill="white"/>\n'
        f'<text x="8" y="20" font-size="15">{escape(title)}</text>\n'
        '<text x="8" y="38">ratios to the first of each group, which is 1; longer is better</text>\n'
        + line + "\n" + "\n".join(parts) + "\n</svg>\n")
