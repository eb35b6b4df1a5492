"""Networks that several tests examine, drawn from streams of their own."""

import torch

from untrained.sims.networks.generators import architecture
from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.loading import as_network
from untrained.sims.random.streams import stream


def normal(*shape, seed=0):
    return torch.from_numpy(stream(seed, "test").standard_normal(shape))


def drawn(module, seed=0):
    """The module with every weight drawn anew, about as large as its own."""
    with torch.no_grad():
        for number, weight in enumerate(module.parameters()):
            weight.copy_(0.4 * normal(*weight.shape, seed=seed + number))
    return module


def make_network(name, module, z, *, param_filter=None, dtype=torch.float64):
    """A module as it stands, with its input."""
    return as_network(module, z, name=name, param_filter=param_filter).draw(0, dtype)


def named(name, shape, **options):
    chosen = architecture(name, shape, **options)
    network = chosen.build()
    initialise(network, stream(1, "weights"))
    return make_network(name, network, normal(1, *chosen.latent.shape))
