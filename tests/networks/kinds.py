"""Modules of every kind, as people hand them over: each a pair (module, what its forward takes), in its own mode."""

import dataclasses
import random
import warnings

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.checkpoint import checkpoint


def noise(*shape):
    return torch.randn(*shape)


class Forward(nn.Module):
    """Layers by name, and how they are joined."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.join = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs, **named):
        return self.join(self, *inputs, **named)


def sequence(*layers):
    return nn.Sequential(*layers)


def trained(module, z, steps=3):
    """A module that has run on several inputs in training, and then came to rest: running statistics of its own."""
    for _ in range(steps):
        module(z + 0.5 * torch.randn_like(z))
    return module.eval()


def rested(*layers, shape):
    return trained(sequence(*layers), noise(4, *shape[1:])), noise(*shape)


def tied():
    one = nn.Linear(4, 4)
    two = nn.Linear(4, 4)
    two.weight = one.weight
    return sequence(one, nn.Tanh(), two)


def normed_old(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(layer)


class Remembers(nn.Module):
    """Computes what it makes of its weights once."""

    def __init__(self, of):
        super().__init__()
        self.layer, self.made, self.of = nn.Linear(4, 6), None, of

    def forward(self, x):
        if self.made is None:
            self.made = self.of(self.layer.weight)
        return x @ self.made.T


class Sine(nn.Module):
    def forward(self, x):
        return torch.sin(3.0 * x)


class Symmetric(nn.Module):
    def forward(self, X):
        return X.triu() + X.triu(1).T


class OwnSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]


def symmetric():
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


def hooked():
    module = sequence(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6))
    module[0].register_forward_hook(lambda layer, inputs, output: 2 * output + inputs[0].sum())
    module[2].register_forward_pre_hook(lambda layer, inputs: (inputs[0] ** 2,))
    return module


def frozen():
    module = sequence(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5))
    module[2].weight.requires_grad_(False)
    return module


def mixer(tokens=4, channels=3):
    def join(net, x):
        x = x + net.across(net.first(x).transpose(1, 2)).transpose(1, 2)
        return x + net.along(net.second(x))

    return Forward(
        join, across=sequence(nn.Linear(tokens, 5), nn.GELU(), nn.Linear(5, tokens)),
        along=sequence(nn.Linear(channels, 5), nn.GELU(), nn.Linear(5, channels)),
        first=nn.LayerNorm(channels), second=nn.LayerNorm(channels),
    )  # fmt: skip


def unet():
    def join(net, x):
        down = F.relu(net.down(x))
        up = F.interpolate(F.relu(net.deep(down)), scale_factor=2, mode="bilinear", align_corners=False)
        return net.out(torch.cat([up, x], 1))

    return Forward(
        join, down=nn.Conv2d(2, 3, 3, 2, 1), deep=nn.Conv2d(3, 3, 3, padding=1), out=nn.Conv2d(5, 1, 1)
    )  # fmt: skip


def residual():
    def join(net, x):
        return x + net.two(F.relu(net.norm(net.one(x))))

    return Forward(join, one=nn.Conv2d(2, 2, 3, padding=1), two=nn.Conv2d(2, 2, 3, padding=1), norm=nn.BatchNorm2d(2))


def buffered():
    net = Forward(lambda net, x: net.layer(x) * net.scale + net.shift, layer=nn.Linear(4, 5))
    net.register_buffer("scale", torch.linspace(0.5, 2, 5))
    net.register_buffer("shift", torch.arange(5), persistent=False)
    return net


def parameters_of_its_own():
    net = Forward(lambda net, x: torch.einsum("bi,ijk,bk->bj", x, net.core, x) + net.rows[0] * net.named["a"])
    net.core = nn.Parameter(noise(3, 5, 3))
    net.rows, net.named = nn.ParameterList([nn.Parameter(noise(5))]), nn.ParameterDict({"a": noise(5)})
    return net


def attention():
    def join(net, x):
        q, k, v = net.qkv(x).chunk(3, -1)
        return net.out(F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0])

    return Forward(join, qkv=nn.Linear(4, 12), out=nn.Linear(4, 4))


def fourier():
    def join(net, x):
        spectrum = torch.fft.rfft2(net.layer(x)) * net.filter
        return torch.fft.irfft2(spectrum, s=(4, 4)) + spectrum.abs().mean()

    net = Forward(join, layer=nn.Conv2d(1, 2, 3, padding=1))
    net.register_buffer("filter", torch.linspace(1, 2, 12).reshape(4, 3))
    return net


def loop(zeros):
    def join(net, x):
        h = zeros(x)
        for _ in range(4):
            h = net.cell(x, h)
        return h

    return Forward(join, cell=nn.GRUCell(4, 3))


def in_place():
    def join(net, x):
        y = net.layer(x)
        y[:, 1] = y[:, 0].clone() * y[:, 2].clone()
        y.mul_(2).relu_()
        return y

    return Forward(join, layer=nn.Linear(4, 6))


def gathered():
    def join(net, x):
        y = net.layer(x)
        values, _ = y.sort(-1)
        return torch.where(values > 0, values, 0.1 * values).cumsum(-1)

    return Forward(join, layer=nn.Linear(4, 6))


def checkpointed():
    return Forward(
        lambda net, x: net.last(checkpoint(net.first, x, use_reentrant=False)),
        first=sequence(nn.Linear(4, 5), nn.Tanh()), last=nn.Linear(5, 4),
    )  # fmt: skip


@dataclasses.dataclass
class Parts:
    """An output of several parts."""

    image: torch.Tensor
    code: torch.Tensor


def with_buffer(buffer, join, **layers):
    net = Forward(join, **layers)
    net.register_buffer("other", buffer)
    return net


def checkpointed_norm():
    return Forward(
        lambda net, x: net.last(checkpoint(net.first, x, use_reentrant=False)),
        first=sequence(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Tanh()), last=nn.Conv2d(3, 2, 1),
    )  # fmt: skip


def pruned():
    layer = nn.Linear(4, 6)
    prune.l1_unstructured(layer, "weight", 0.5)
    return sequence(layer, nn.Tanh())


def resting_in_part():
    module, z = rested(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 2), shape=(1, 2, 5, 5))
    module.train()
    module[1].eval().requires_grad_(False)
    return module, z


def energy():
    """The gradient of an energy by the input: a forward that differentiates."""

    def join(net, x):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(torch.tanh(net.layer(x)).sum(), x, create_graph=True)[0]

    return Forward(join, layer=nn.Linear(4, 6))


def compiled_in_part():
    return sequence(torch.compile(nn.Linear(4, 6), backend="eager"), nn.ReLU(), nn.Linear(6, 3))


def compiled_in_place():
    module = sequence(nn.Linear(4, 6), nn.Tanh())
    module.compile(backend="eager")
    return module


def swish(x):
    return x * torch.sigmoid(1.7 * x)


def quietly(make, *arguments, **options):
    """What torch warns of: forms that it calls old, and layers of no units."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*arguments, **options)


SWISH = quietly(torch.jit.script, swish)


def no_parameter():
    net = Forward(lambda net, x: net.layer(x) * net.scale, layer=nn.Linear(4, 3))
    net.scale = torch.linspace(1, 2, 3, dtype=torch.float64).requires_grad_()
    return net


def with_hook_on_gradients():
    module = sequence(nn.Linear(4, 3))
    module[0].weight.register_hook(lambda g: 0 * g)
    return module


def not_a_number():
    module = sequence(nn.Linear(4, 3), nn.Linear(3, 3))
    module[0].weight.data[0, 0] = torch.nan
    return module


def strength_of_noise():
    net = Forward(lambda net, x: net.layer(x) + net.strength * torch.randn(6), layer=nn.Linear(4, 6))
    net.strength = nn.Parameter(torch.zeros(()))
    return net


def in_a_list():
    net = Forward(lambda net, x: net.last(net.layers[0](x)), last=nn.Linear(4, 3))
    net.layers = [nn.Linear(4, 4)]
    return net


def quantised():
    module = sequence(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5))
    layer = quietly(torch.ao.nn.quantized.dynamic.Linear, 6, 5)
    module[2] = layer
    return module


class SilentCast(nn.Linear):
    """Casts itself, and returns nothing."""

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)


class TrainsItsBias(nn.Linear):
    """Gives an optimiser its bias alone."""

    def parameters(self, recurse=True):
        return iter([self.bias])


class OneOfItsKind(nn.Linear):
    """Is its own copy."""

    def __deepcopy__(self, memo):
        return self


class GrowsOnce(nn.Linear):
    """Makes a weight at its first run."""

    def forward(self, x):
        if not hasattr(self, "scale"):
            self.scale = nn.Parameter(x.new_ones(self.out_features))
        return super().forward(x) * self.scale


class OlderListing(nn.Linear):
    """Lists its weights as older versions of torch did."""

    def named_parameters(self, prefix="", recurse=True):
        return super().named_parameters(prefix, recurse)


class Headless(nn.Module):
    """Never calls the constructor of modules."""

    def __init__(self):
        pass


@dataclasses.dataclass
class Unhashable(nn.Module):
    """Has an equality of its own, by which no set can hold it."""

    width: int = 3

    def __post_init__(self):
        super().__init__()


def within_itself():
    module = sequence(nn.Linear(4, 3))
    module[0].add_module("above", module)
    return module


def hooked_to_another():
    module = sequence(nn.Linear(4, 3), nn.Linear(3, 3))
    module[0].register_forward_hook(lambda layer, inputs, output: output * module[1].weight.sum())
    return module


def patched():
    module = nn.Linear(4, 3).double()
    plain = module.forward
    module.forward = lambda x: 2 * plain(x)
    return module


def tied_by_memory():
    module = sequence(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    module[2].weight.data = module[0].weight.data.T
    return module


def ready_to_quantise():
    module = sequence(nn.Linear(4, 3))
    module.qconfig = quietly(torch.ao.quantization.get_default_qat_qconfig, "fbgemm")
    return quietly(torch.ao.quantization.prepare_qat, module)


Z, IMAGE, ROW = lambda: noise(1, 4), lambda: noise(1, 2, 4, 4), lambda: noise(1, 2, 7)

KINDS = {
    "mlp": lambda: (sequence(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 9)), Z()),
    "mlp of two inputs": lambda: (sequence(nn.Linear(4, 5), nn.Softplus(), nn.Linear(5, 3)), noise(3, 4)),
    "mlp, unbatched": lambda: (sequence(nn.Linear(4, 5), nn.ELU(), nn.Linear(5, 3)), noise(4)),
    "linear": lambda: (nn.Linear(4, 6), Z()),
    "bilinear": lambda: (Forward(lambda net, x: net.pair(x, x.flip(1)), pair=nn.Bilinear(4, 4, 5)), Z()),
    "siren": lambda: (sequence(nn.Linear(2, 8), Sine(), nn.Linear(8, 8), Sine(), nn.Linear(8, 1)), noise(16, 2)),
    "conv 1d": lambda: (sequence(nn.Conv1d(2, 3, 3, padding=1), nn.Tanh(), nn.Conv1d(3, 2, 3, 2)), ROW()),
    "conv 2d": lambda: (sequence(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 1, 2, stride=2)), IMAGE()),
    "conv 2d, groups and dilation": lambda: (
        sequence(nn.Conv2d(2, 4, 3, padding="same", dilation=2, groups=2), nn.SiLU(), nn.Conv2d(4, 2, 1)),
        IMAGE(),
    ),
    "conv 2d, padded otherwise": lambda: (
        sequence(
            nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"),
            nn.Conv2d(3, 1, 3, padding=(0, 1), padding_mode="circular"),
        ),
        IMAGE(),
    ),
    "conv 2d, unbatched": lambda: (
        sequence(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 1, 3)),
        noise(2, 5, 5),
    ),
    "conv 2d, a batch of two": lambda: (sequence(nn.Conv2d(2, 3, 3), nn.ReLU()), noise(2, 2, 4, 4)),
    "conv 3d": lambda: (sequence(nn.Conv3d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv3d(2, 1, 1)), noise(1, 1, 3, 3, 3)),
    "transposed 1d": lambda: (sequence(nn.ConvTranspose1d(2, 3, 3, 2), nn.ReLU(), nn.Conv1d(3, 1, 1)), noise(1, 2, 5)),
    "transposed 2d": lambda: (
        sequence(nn.ConvTranspose2d(2, 3, 3, 2, 1, output_padding=1), nn.ReLU(), nn.ConvTranspose2d(3, 1, 2)),
        noise(1, 2, 3, 3),
    ),
    "transposed 2d, unbatched": lambda: (sequence(nn.ConvTranspose2d(2, 3, 2, 2), nn.Tanh()), noise(2, 2, 2)),
    "transposed 3d": lambda: (sequence(nn.ConvTranspose3d(1, 1, 2, 2), nn.Tanh()), noise(1, 1, 2, 2, 2)),
    "nearest upsampling": lambda: (sequence(nn.Upsample(scale_factor=2), nn.Conv2d(2, 1, 3)), noise(1, 2, 3, 3)),
    "bilinear upsampling": lambda: (
        sequence(nn.Conv2d(2, 2, 1), nn.Upsample(scale_factor=2, mode="bilinear"), nn.ReLU(), nn.Conv2d(2, 1, 3)),
        noise(1, 2, 3, 3),
    ),
    "bicubic upsampling": lambda: (
        sequence(nn.Conv2d(2, 1, 1), nn.Upsample((5, 6), mode="bicubic")),
        noise(1, 2, 3, 3),
    ),
    "trilinear upsampling": lambda: (
        sequence(nn.Conv3d(1, 1, 2), nn.Upsample(scale_factor=2, mode="trilinear")),
        noise(1, 1, 3, 3, 3),
    ),
    "pixel shuffle": lambda: (sequence(nn.Conv2d(2, 8, 1), nn.PixelShuffle(2)), noise(1, 2, 3, 3)),
    "max pooling": lambda: (sequence(nn.Conv2d(2, 4, 3, padding=1), nn.MaxPool2d(2)), IMAGE()),
    "average pooling": lambda: (sequence(nn.Conv2d(2, 4, 3), nn.AvgPool2d(2, 1), nn.Flatten()), noise(1, 2, 6, 6)),
    "adaptive pooling": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(3), nn.Conv2d(3, 2, 1)),
        noise(1, 2, 8, 8),
    ),
    "fractional crops and pads": lambda: (
        Forward(lambda net, x: F.pad(net.conv(x), (1, 0, 2, 1))[..., 1:], conv=nn.Conv2d(2, 2, 2)),
        IMAGE(),
    ),
    "batch norm 1d, training": lambda: (
        sequence(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)),
        noise(5, 4),
    ),
    "batch norm 1d, eval": lambda: rested(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 7), shape=(1, 4)),
    "batch norm 2d, training": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.LeakyReLU(0.2), nn.Conv2d(3, 2, 2)),
        noise(1, 2, 6, 6),
    ),
    "batch norm 2d, eval": lambda: rested(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 1, 2), shape=(1, 2, 6, 6)
    ),
    "batch norm 3d, eval": lambda: rested(nn.Conv3d(1, 2, 2), nn.BatchNorm3d(2), nn.Tanh(), shape=(1, 1, 3, 3, 3)),
    "batch norm, eval but in part": lambda: (lambda pair: (pair[0][1].train() and pair[0], pair[1]))(
        rested(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), shape=(1, 2, 5, 5))
    ),
    "batch norm without statistics, eval": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, track_running_stats=False)).eval(),
        IMAGE(),
    ),
    "instance norm": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3, affine=True), nn.ReLU()),
        noise(1, 2, 5, 5),
    ),
    "instance norm, unbatched": lambda: (sequence(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3)), noise(2, 5, 5)),
    "instance norm, tracked, eval": lambda: rested(
        nn.Conv1d(2, 3, 2), nn.InstanceNorm1d(3, affine=True, track_running_stats=True), nn.Tanh(), shape=(1, 2, 7)
    ),
    "group norm": lambda: (sequence(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.GELU()), IMAGE()),
    "layer norm": lambda: (sequence(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 5)), Z()),
    "rms norm": lambda: (sequence(nn.Linear(4, 8), nn.RMSNorm(8), nn.Linear(8, 5)), Z()),
    "local response norm": lambda: (sequence(nn.Conv2d(2, 4, 3), nn.LocalResponseNorm(3)), IMAGE()),
    "weight norm": lambda: (sequence(parametrizations.weight_norm(nn.Conv2d(2, 3, 3)), nn.ReLU()), IMAGE()),
    "weight norm, old": lambda: (sequence(normed_old(nn.Linear(4, 6)), nn.Tanh()), Z()),
    "spectral norm": lambda: (sequence(parametrizations.spectral_norm(nn.Conv2d(2, 3, 3)), nn.ReLU()), IMAGE()),
    "spectral norm, eval": lambda: (sequence(parametrizations.spectral_norm(nn.Linear(4, 6)), nn.ReLU()).eval(), Z()),
    "spectral norm, old": lambda: (sequence(nn.utils.spectral_norm(nn.Conv2d(2, 3, 3)), nn.ReLU()), IMAGE()),
    "spectral norm, old, eval": lambda: (trained(sequence(nn.utils.spectral_norm(nn.Linear(4, 6))), noise(3, 4)), Z()),
    "orthogonal": lambda: (sequence(parametrizations.orthogonal(nn.Linear(4, 6)), nn.Tanh()), Z()),
    "orthogonal by the exponential": lambda: (
        parametrizations.orthogonal(nn.Linear(5, 5), orthogonal_map="matrix_exp"),
        noise(1, 5),
    ),
    "orthogonal by Cayley": lambda: (
        parametrizations.orthogonal(nn.Linear(5, 5), orthogonal_map="cayley"),
        noise(1, 5),
    ),
    "a parametrisation of one's own": lambda: (sequence(symmetric(), nn.ReLU()), Z()),
    "multi-head attention": lambda: (
        Forward(lambda net, x: net.heads(x, x, x), heads=nn.MultiheadAttention(4, 2, batch_first=True)),
        noise(1, 3, 4),
    ),
    "scaled dot-product attention": lambda: (attention(), noise(1, 5, 4)),
    "transformer layer, eval": lambda: (nn.TransformerEncoderLayer(4, 2, 6, batch_first=True).eval(), noise(1, 3, 4)),
    "transformer layer, no dropout": lambda: (
        nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True),
        noise(1, 3, 4),
    ),
    "lstm": lambda: (nn.LSTM(3, 4, batch_first=True), noise(1, 4, 3)),
    "lstm, two layers both ways": lambda: (nn.LSTM(2, 2, 2, bidirectional=True), noise(3, 1, 2)),
    "gru": lambda: (
        Forward(lambda net, x: net.head(net.cells(x)[0]), cells=nn.GRU(3, 4, batch_first=True), head=nn.Linear(4, 2)),
        noise(1, 4, 3),
    ),
    "gru cell in a loop": lambda: (loop(lambda x: x.new_zeros(len(x), 3)), Z()),
    "embedding": lambda: (sequence(nn.Embedding(6, 4), nn.Linear(4, 3)), torch.tensor([[0, 5, 2, 2]])),
    "embedding, sparse": lambda: (nn.Embedding(6, 4, sparse=True), torch.tensor([[0, 5, 2]])),
    "embedding bag": lambda: (nn.EmbeddingBag(6, 4, mode="mean"), torch.tensor([[0, 5, 2], [1, 1, 4]])),
    "mixer": lambda: (mixer(), noise(1, 4, 3)),
    "residual": lambda: (residual(), IMAGE()),
    "skips": lambda: (unet(), IMAGE()),
    "fourier": lambda: (fourier(), noise(1, 1, 4, 4)),
    "hooks": lambda: (hooked(), Z()),
    "tied weights": lambda: (tied(), Z()),
    "a layer that runs twice": lambda: (
        Forward(lambda net, x: net.one(torch.tanh(net.one(x))), one=nn.Linear(4, 4)),
        Z(),
    ),
    "a head that only training uses": lambda: (
        Forward(
            lambda net, x: (net.body(x), net.aux(x)) if net.training else net.body(x),
            body=nn.Linear(4, 5),
            aux=nn.Linear(4, 9),
        ).eval(),
        Z(),
    ),
    "buffers": lambda: (buffered(), Z()),
    "parameters of its own": lambda: (parameters_of_its_own(), noise(1, 3)),
    "frozen weights": lambda: (frozen(), Z()),
    "weights that do nothing": lambda: (
        Forward(lambda net, x: net.used(x), used=nn.Linear(4, 3), idle=nn.Linear(4, 3)),
        Z(),
    ),
    "in place": lambda: (in_place(), Z()),
    "sorting and branches": lambda: (gathered(), Z()),
    "checkpoints": lambda: (checkpointed(), Z()),
    "a function of its own": lambda: (
        Forward(lambda net, x: OwnSquare.apply(net.layer(x)), layer=nn.Linear(4, 5)),
        Z(),
    ),
    "dropout, eval": lambda: (sequence(nn.Linear(4, 6), nn.Dropout(0.5), nn.RReLU(), nn.Linear(6, 3)).eval(), Z()),
    "dropout of nothing": lambda: (sequence(nn.Linear(4, 6), nn.Dropout(0.0)), Z()),
    "prelu and glu": lambda: (sequence(nn.Linear(4, 8), nn.PReLU(), nn.GLU()), Z()),
    "softmax": lambda: (sequence(nn.Linear(4, 6), nn.Softmax(-1)), Z()),
    "a tuple": lambda: (
        Forward(lambda net, x: (net.image(x), net.code(x)), image=nn.Linear(4, 6), code=nn.Linear(4, 2)),
        Z(),
    ),
    "a dict": lambda: (Forward(lambda net, x: {"step": 3, "image": net.image(x)}, image=nn.Linear(4, 6)), Z()),
    "two inputs": lambda: (
        Forward(lambda net, x, t: net.layer(x) * t, layer=nn.Linear(4, 6)),
        (Z(), torch.tensor(0.3)),
    ),
    "inputs by name": lambda: (
        Forward(lambda net, x, scale, add: net.layer(x) * scale + add, layer=nn.Linear(4, 6)),
        {"x": Z(), "scale": 2, "add": noise(6)},
    ),
    "many channels": lambda: (sequence(nn.Conv2d(2, 5, 3, padding=1), nn.ReLU()), noise(1, 2, 3, 3)),
    "a scalar": lambda: (Forward(lambda net, x: net.layer(x).sum(), layer=nn.Linear(4, 6)), Z()),
    "dataclass of parts": lambda: (
        Forward(lambda net, x: Parts(net.image(x), net.code(x)), image=nn.Linear(4, 6), code=nn.Linear(4, 2)),
        Z(),
    ),
    "a list within a list": lambda: (
        Forward(lambda net, x: [[3, net.image(x)], net.code(x)], image=nn.Linear(4, 6), code=nn.Linear(4, 2)),
        Z(),
    ),
    "in half precision": lambda: (sequence(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5)).half(), Z().half()),
    "in bfloat16": lambda: (sequence(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4)).bfloat16(), IMAGE()),
    "a complex buffer": lambda: (
        with_buffer(
            torch.polar(torch.ones(4), torch.arange(4.0)),
            lambda net, x: (net.layer(x) * net.other + 1).abs(),
            layer=nn.Linear(4, 4),
        ),
        Z(),
    ),
    "an input of complex numbers": lambda: (
        Forward(lambda net, x: (net.layer(x.abs()) * x).imag, layer=nn.Linear(4, 4)),
        torch.polar(torch.ones(1, 4), torch.arange(4.0)[None]).to(torch.complex128),
    ),
    "complex weights that are frozen": lambda: (
        (lambda net: (setattr(net, "turn", nn.Parameter(torch.ones(4) * 1j, requires_grad=False)), net)[1])(
            Forward(lambda net, x: (net.layer(x) * net.turn + 1).abs(), layer=nn.Linear(4, 4))
        ),
        Z(),
    ),
    "a layer of no units": lambda: (sequence(quietly(nn.Linear, 4, 0), quietly(nn.Linear, 0, 5)), Z()),
    "a branch of no units": lambda: (
        Forward(
            lambda net, x: torch.cat([net.none(x), net.some(x)], -1),
            none=quietly(nn.Linear, 4, 0),
            some=nn.Linear(4, 5),
        ),
        Z(),
    ),
    "checkpoints of norms": lambda: (checkpointed_norm(), IMAGE()),
    "checkpoints, old": lambda: (
        Forward(
            lambda net, x: net.two(checkpoint(net.one, x.requires_grad_(), use_reentrant=True)),
            one=sequence(nn.Linear(4, 5), nn.Tanh()),
            two=nn.Linear(5, 4),
        ),
        Z(),
    ),
    "parallel": lambda: (nn.DataParallel(sequence(nn.Linear(4, 6), nn.ReLU())), Z()),
    "compiled": lambda: (quietly(torch.compile, sequence(nn.Linear(4, 6), nn.ReLU()), backend="eager"), Z()),
    "compiled in part": lambda: (compiled_in_part(), Z()),
    "compiled in place": lambda: (compiled_in_place(), Z()),
    "traced to a graph": lambda: (torch.fx.symbolic_trace(sequence(nn.Linear(4, 6), nn.Tanh())), Z()),
    "a scripted function": lambda: (Forward(lambda net, x: SWISH(net.layer(x)), layer=nn.Linear(4, 6)), Z()),
    "pruned": lambda: (pruned(), Z()),
    "weight norm and spectral norm": lambda: (
        parametrizations.spectral_norm(parametrizations.weight_norm(nn.Linear(4, 6))),
        Z(),
    ),
    "weight norm, old, eval": lambda: (sequence(normed_old(nn.Conv2d(2, 3, 3)), nn.Tanh()).eval(), IMAGE()),
    "spectral norm, old, transposed": lambda: (nn.utils.spectral_norm(nn.ConvTranspose2d(2, 3, 3)), IMAGE()),
    "norms at rest in a network that trains": resting_in_part,
    "instance norm, tracked, training": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.InstanceNorm2d(3, affine=True, track_running_stats=True), nn.Tanh()),
        noise(1, 2, 5, 5),
    ),
    "channels last": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 1)).to(memory_format=torch.channels_last),
        IMAGE().to(memory_format=torch.channels_last),
    ),
    "an output that is not contiguous": lambda: (
        Forward(lambda net, x: net.layer(x).transpose(1, 2)[..., ::2].expand(2, -1, -1), layer=nn.Linear(4, 6)),
        noise(1, 5, 4),
    ),
    "rnn": lambda: (nn.RNN(3, 4, batch_first=True), noise(1, 4, 3)),
    "lstm with projections": lambda: (nn.LSTM(3, 4, proj_size=2), noise(4, 1, 3)),
    "embedding with a padding": lambda: (nn.Embedding(6, 4, padding_idx=0), torch.tensor([[0, 5, 2]])),
    "in place in a row": lambda: (
        sequence(nn.Conv2d(2, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 1), nn.ELU(inplace=True)),
        IMAGE(),
    ),
    "an input that is overwritten": lambda: (
        Forward(lambda net, x: net.layer(x.mul_(2)), layer=nn.Linear(4, 4)),
        Z(),
    ),
    "a forward that differentiates": lambda: (energy(), Z()),
    "attention, causal": lambda: (
        Forward(
            lambda net, x: F.scaled_dot_product_attention(*net.qkv(x)[:, None].chunk(3, -1), is_causal=True),
            qkv=nn.Linear(4, 12),
        ),
        noise(1, 5, 4),
    ),
    "resampling by a grid": lambda: (
        Forward(
            lambda net, x: F.grid_sample(
                x, F.affine_grid(net.turn(x.mean((2, 3))).view(1, 2, 3), x.shape, False), align_corners=False
            ),
            turn=nn.Linear(2, 6),
        ),
        IMAGE(),
    ),
    "weights used as they are and transposed": lambda: (
        Forward(lambda net, x: F.linear(torch.tanh(net.layer(x)), net.layer.weight.T), layer=nn.Linear(4, 6)),
        Z(),
    ),
    "random numbers that are always the same": lambda: (
        Forward(
            lambda net, x: net.layer(x) * torch.rand(4, generator=torch.Generator().manual_seed(1)),
            layer=nn.Linear(4, 4),
        ),
        Z(),
    ),
    "random numbers that do nothing": lambda: (
        Forward(lambda net, x: (torch.rand(3), net.layer(x))[1], layer=nn.Linear(4, 4)),
        Z(),
    ),
    "a tensor that is no parameter": lambda: (no_parameter(), Z()),
    "a layer that is called by name": lambda: (
        Forward(lambda net, x: net.two(input=net.one(input=x).tanh()), one=nn.Linear(4, 5), two=nn.Linear(5, 3)),
        Z(),
    ),
    "a layer that is told the size of its output": lambda: (
        Forward(lambda net, x: net.up(x, output_size=(8, 8)), up=nn.ConvTranspose2d(2, 1, 3, 2, 1)),
        IMAGE(),
    ),
    "a forward that differentiates by torch.func": lambda: (
        Forward(
            lambda net, x: torch.func.jacrev(lambda one: net.layer(one).tanh())(x).flatten(), layer=nn.Linear(4, 2)
        ),
        Z(),
    ),
    "a layer that casts itself without a word": lambda: (sequence(SilentCast(4, 3)), Z()),
    "a layer that gives an optimiser a part of its weights": lambda: (TrainsItsBias(4, 3), Z()),
    "in quarter precision": lambda: (nn.Linear(4, 3).to(torch.float8_e4m3fn), Z()),
    "an attribute that is called as torch.compile calls its own": lambda: (
        Forward(lambda net, x: 2 * net._orig_mod(x), _orig_mod=nn.Linear(4, 3)),
        Z(),
    ),
    "in double precision": lambda: (sequence(nn.Linear(4, 6), nn.ReLU()).double(), Z().double()),
}

REFUSED = {
    "dropout": (
        lambda: (sequence(nn.Linear(4, 6), nn.Dropout(0.5)), Z()),
        "draw random numbers, got Dropout in training mode in 1",
    ),
    "dropout as a function": (
        lambda: (Forward(lambda net, x: F.dropout(net.layer(x)), layer=nn.Linear(4, 6)), Z()),
        "draws random numbers",
    ),
    "dropout of attention": (
        lambda: (
            Forward(
                lambda net, x: net.heads(x, x, x), heads=nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)
            ),
            noise(1, 3, 4),
        ),
        "draws random numbers",
    ),
    "noise": (
        lambda: (Forward(lambda net, x: net.layer(x) + torch.randn(6), layer=nn.Linear(4, 6)), Z()),
        "draws random numbers",
    ),
    "weights that are computed once": (lambda: (Remembers(torch.sin), Z()), "goes on from an earlier one"),
    "weights that are arranged once": (lambda: (Remembers(lambda W: W[::2]), Z()), "goes on from an earlier one"),
    "half precision": (
        lambda: (Forward(lambda net, x: net.layer(x).half(), layer=nn.Linear(4, 6)), Z()),
        "rounds to float16",
    ),
    "half of a complex number": (
        lambda: (
            Forward(
                lambda net, x: torch.fft.fft(net.layer(x)).to(torch.complex64).to(torch.complex128).real,
                layer=nn.Linear(4, 6),
            ),
            Z(),
        ),
        "rounds to complex64",
    ),
    "a state in single precision": (
        lambda: (loop(lambda x: torch.zeros(len(x), 3)), Z()),
        "whose forward insists on another",
    ),
    "no weights": (lambda: (nn.Flatten(), Z()), "must have weights that train"),
    "lazy": (lambda: (nn.LazyLinear(3), Z()), "that has not run yet"),
    "quantised in its forward": (
        lambda: (Forward(lambda net, x: net.layer(x).round(), layer=nn.Linear(4, 6)), Z()),
        "must depend on its weights",
    ),
    "weights of complex numbers": (
        lambda: (nn.Linear(4, 6, dtype=torch.complex64), Z()),
        "weights of net must be real",
    ),
    "a batch of one in training": (
        lambda: (sequence(nn.Linear(4, 6), nn.BatchNorm1d(6)), Z()),
        "Expected more than 1 value per channel",
    ),
    "another number of inputs": (lambda: (nn.Linear(5, 6), Z()), "must accept a latent of shape"),
    "numbers without end": (
        lambda: (Forward(lambda net, x: net.layer(x) / 0, layer=nn.Linear(4, 6)), Z()),
        "must be finite",
    ),
    "noise whose strength is 0": (lambda: (strength_of_noise(), Z()), "derivatives of net must be the same each time"),
    "layers left out now and then": (
        lambda: (
            Forward(lambda net, x: net.one(x) if random.random() < 0.2 else 2 * net.one(x), one=nn.Linear(4, 6)),
            Z(),
        ),
        "draws random numbers",
    ),
    "dropout between recurrent layers": (lambda: (nn.LSTM(3, 4, 2, dropout=0.5), noise(4, 1, 3)), "draws random"),
    "a module of TorchScript": (
        lambda: (quietly(torch.jit.script, sequence(nn.Linear(4, 6), nn.ReLU())), Z()),
        "must be plain modules, got RecursiveScriptModule in itself of net: hand over what it was made of",
    ),
    "quantised layers": (lambda: (quantised(), Z()), "must not be quantised, got Linear in 2 of net"),
    "a weight that is no number": (
        lambda: (not_a_number(), Z()),
        "must be finite, got a NaN or an infinity in 0.weight",
    ),
    "a hook on gradients": (
        lambda: (with_hook_on_gradients(), Z()),
        "must have no hooks on their gradients, got one on",
    ),
    "layers in a plain list": (lambda: (in_a_list(), Z()), r"or runs layers that are not its own \(layers\): "),
    "autocast": (
        lambda: (
            Forward(lambda net, x: net.layer(x).to(torch.bfloat16).to(x.dtype), layer=nn.Linear(4, 6)),
            Z(),
        ),
        "rounds to bfloat16",
    ),
    "embedding that renews its weights": (
        lambda: (nn.Embedding(6, 4, max_norm=0.1), torch.tensor([[0, 5, 2]])),
        "a forward that changes them",
    ),
    "an output of complex numbers": (
        lambda: (Forward(lambda net, x: torch.fft.fft(net.layer(x)), layer=nn.Linear(4, 6)), Z()),
        "got torch.complex128: give its real part, its size, or both parts",
    ),
    "a sparse output": (
        lambda: (Forward(lambda net, x: net.layer(x).to_sparse(), layer=nn.Linear(4, 6)), Z()),
        "must be a dense tensor, got a sparse_coo one",
    ),
    "no output": (lambda: (Forward(lambda net, x: None, layer=nn.Linear(4, 6)), Z()), "got NoneType"),
    "an output of no entries": (lambda: (quietly(nn.Linear, 4, 0), Z()), "must have entries"),
    "a forward without gradients": (
        lambda: (Forward(torch.no_grad()(lambda net, x: net.layer(x)), layer=nn.Linear(4, 6)), Z()),
        "must depend on its weights",
    ),
    "a layer that is its own copy": (
        lambda: (sequence(OneOfItsKind(4, 3), nn.Tanh()), Z()),
        "one that can be copied, got a OneOfItsKind that gives itself as its copy",
    ),
    "a weight that the first run makes": (
        lambda: (GrowsOnce(4, 3), Z()),
        "must be there before it runs, got a forward that makes scale: run it once",
    ),
    "weights that torch cannot list": (
        lambda: (OlderListing(4, 3), Z()),
        "must be one that torch can list, got TypeError: ",
    ),
    "a module without its constructor": (lambda: (Headless(), Z()), "must be one that torch can list, got Attribute"),
    "a module that no set can hold": (lambda: (Unhashable(), Z()), "can list, got TypeError: unhashable type"),
    "a module within itself": (lambda: (within_itself(), Z()), "can list, got RecursionError"),
    "a hook that holds another layer": (
        lambda: (hooked_to_another(), Z()),
        "must be reached through the module, got a function or hook that holds 1.weight itself",
    ),
    "a forward that holds the module": (lambda: (patched(), Z().double()), "or hook that holds weight itself"),
    "weights that share memory": (
        lambda: (tied_by_memory(), Z()),
        "must have memory of their own, got 0.weight and 2.weight in the same",
    ),
    "layers that will be quantised": (lambda: (ready_to_quantise(), Z()), "must not be quantised, got FusedMovingAvg"),
    "numbers that inference made": (
        lambda: (
            Forward(
                lambda net, x: net.two(torch.inference_mode()(net.one)(x)), one=nn.Linear(4, 3), two=nn.Linear(3, 3)
            ),
            Z(),
        ),
        "must accept a latent of shape .1, 4., got RuntimeError: Inference tensors cannot be saved",
    ),
}
