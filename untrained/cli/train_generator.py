"""`untrained train-generator`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from untrained.cli import console
from untrained.cli.options import Seed, SizeOption, Threads


def train_generator_command(
    images: Annotated[str, typer.Argument(metavar="IMAGES", help="An idx file, mnist or digits.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The generator, .npz.")],
    epochs: Annotated[int, typer.Option(help="How often every image is seen.")] = 60,
    latent: Annotated[int, typer.Option(help="Dimension of the generator's input.")] = 20,
    skip: Annotated[int | None, typer.Option(help="Leave the first N out (default: 1000 of mnist, else 0).")] = None,
    size: SizeOption = None,
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Train the generator of csgm on images; use it with `--method csgm --set generator=FILE`."""
    from untrained.sims import runtime
    from untrained.sims.networks import vae
    from untrained.sims.recovery import reports, tasks, training

    place = reports.check_output("out", out, (".npz",))
    reports.check_not_read([place], [images])
    runtime.use_threads(threads)
    examples = training.training_images(images, skip, tasks.parse_size(size))
    with runtime.memory_told("training"), console.progress_of("generator") as progress:
        generator = vae.train_generator(examples, latent=latent, epochs=epochs, seed=seed, watch=progress)
    vae.save_generator(place, generator)
    print(f"a generator of {'x'.join(map(str, generator.shape))} pixels, from {len(examples)} images, in {out}")
