"""One picture of a report: the relative error of every matrix, by layer and kind."""

__all__ = ["picture"]

import io

from metal_configs.quantise.report import Report


def picture(report: Report) -> bytes:
    """A PNG file; the bits of each matrix are the size of its mark."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    kinds: dict[str, list[tuple[int, str]]] = {}
    for name in report.errors:
        if name.startswith("layers."):
            _, layer, kind = name.split(".")
            kinds.setdefault(kind, []).append((int(layer), name))
    for kind, found in kinds.items():
        at, errors = [n for n, _ in found], [100 * report.errors[name] for _, name in found]
        (line,) = axes.plot(at, errors, linewidth=0.8, label=kind)
        sizes = [4 * report.bits[name] for _, name in found]
        axes.scatter(at, errors, s=sizes, color=line.get_color())
    for name in ("embed", "final", "head"):
        if name in report.errors:
            axes.axhline(100 * report.errors[name], linestyle=":", linewidth=1, color="grey")
            axes.annotate(name, (0, 100 * report.errors[name]), fontsize=8, color="grey")
    axes.set_xlabel("layer")
    axes.set_ylabel("relative error of weights, %")
    axes.set_ylim(bottom=0)
    axes.legend(ncols=len(kinds), fontsize=8)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120, metadata={"Software": None})
    return out.getvalue()
