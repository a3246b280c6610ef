"""Writes the golden file that optimizers are tested against: 12 steps on a small quadratic problem.

The loss is the sum of curvature * (parameter - target)^2 / 2. PyTorch computes in float64 from
float32 initial values; the file stores float32. `torch.optim.SGD`, `AdamW` and `Muon` are the
references; Muon's iteration runs in float64 here instead of bfloat16. LAMB is written from
algorithm 2 of You et al. 2020.

    python Tools/golden/optimizers.py [output folder]
"""

import math
import sys
from pathlib import Path

import torch
import torch.optim._muon as torch_muon
from safetensors.torch import save_file

STEPS, GRADIENT_SCALE = 12, 0.5
SHAPES = {"tall": (9, 5), "wide": (4, 7), "table": (6, 3), "scale": (5,), "bias": (7,)}
MATRICES = ("tall", "wide")


def rate(step):
    return 0.05 / (1 + 0.1 * step)


def initial(generator):
    def normal(shape, deviation, mean=0.0):
        return mean + deviation * torch.randn(shape, generator=generator)

    file = {}
    for name, shape in SHAPES.items():
        # A bias of zeros would have a trust ratio of one even if none were excluded.
        file[f"initial.{name}"] = normal(shape, 0.3, mean=1.0 if name == "scale" else 0.0)
        file[f"target.{name}"] = normal(shape, 1.0)
        file[f"curvature.{name}"] = 0.2 + torch.rand(shape, generator=generator)
    return file


def groups(parameters, decay, names):
    return [
        {"params": [parameters[name]], "weight_decay": decay if name in MATRICES else 0.0}
        for name in names
    ]


class Several:
    """One optimizer for each part of the parameters, at its own multiple of the rate."""

    def __init__(self, parts):
        self.parts = parts

    def step(self, rate):
        for optimizer, factor in self.parts:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()


def sgd(decay=0.1, **options):
    def make(parameters):
        optimizer = torch.optim.SGD(groups(parameters, decay, SHAPES), lr=1.0, **options)
        return Several([(optimizer, 1)])

    return make


class DecoupledSGD(Several):
    """SGD without penalty; the weights shrink apart from the gradient."""

    def __init__(self, parameters, decay, **options):
        optimizer = torch.optim.SGD(groups(parameters, 0.0, SHAPES), lr=1.0, **options)
        super().__init__([(optimizer, 1)])
        self.matrices = [parameters[name] for name in MATRICES]
        self.decay = decay

    def step(self, rate):
        for matrix in self.matrices:
            matrix.data.mul_(1 - rate * self.decay)
        super().step(rate)


def adamw_options(rest=SHAPES, decay=0.1):
    return lambda parameters: torch.optim.AdamW(
        groups(parameters, decay, rest), lr=1.0, betas=(0.9, 0.95), eps=1e-8)


def muon(adamw_rate=1.0, **options):
    def make(parameters):
        matrices = torch.optim.Muon(
            groups(parameters, 0.1, MATRICES), lr=1.0, momentum=0.95, **options)
        rest = adamw_options([name for name in SHAPES if name not in MATRICES])(parameters)
        return Several([(matrices, 1), (rest, adamw_rate)])

    return make


class LAMB:
    def __init__(self, parameters, beta1=0.9, beta2=0.999, epsilon=1e-6, decay=0.01, largest=None):
        self.parameters, self.betas = parameters, (beta1, beta2)
        self.epsilon, self.decay, self.largest = epsilon, decay, largest
        self.moments = {n: (torch.zeros_like(p), torch.zeros_like(p)) for n, p in parameters.items()}
        self.count = 0

    @torch.no_grad()
    def step(self, rate):
        self.count += 1
        beta1, beta2 = self.betas
        for name, x in self.parameters.items():
            m, v = self.moments[name]
            m.mul_(beta1).add_((1 - beta1) * x.grad)
            v.mul_(beta2).add_((1 - beta2) * x.grad**2)
            corrected = m / (1 - beta1**self.count)
            direction = corrected / ((v / (1 - beta2**self.count)).sqrt() + self.epsilon)
            ratio = 1.0
            if name not in ("scale", "bias"):
                direction = direction + self.decay * x
                ratio = min((x.norm() / direction.norm()).item(), self.largest or math.inf)
            x -= rate * ratio * direction


def iteration_in_float64(matrix, coefficients, steps, epsilon):
    """`_zeropower_via_newtonschulz` of PyTorch without its bfloat16."""
    a, b, c = coefficients
    x = matrix.T if matrix.size(0) > matrix.size(1) else matrix
    x = x / x.norm().clamp(min=epsilon)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if matrix.size(0) > matrix.size(1) else x


CASES = {
    "sgd": sgd(momentum=0.9),
    "sgd-plain": sgd(),
    "sgd-nesterov": sgd(momentum=0.8, nesterov=True),
    "sgd-decoupled": lambda p: DecoupledSGD(p, 0.1, momentum=0.9),
    "adamw": lambda p: Several([(adamw_options()(p), 1)]),
    "muon": muon(adjust_lr_fn="match_rms_adamw"),
    "muon-original": muon(adamw_rate=0.3, adjust_lr_fn="original"),
    "muon-heavy-ball": muon(nesterov=False, ns_steps=4, adjust_lr_fn="original"),
    "lamb": LAMB,
    "lamb-limited": lambda p: LAMB(p, beta2=0.98, epsilon=1e-5, decay=0.1, largest=0.2),
}


def run(make, file):
    """The parameters after each step, each [steps, ...]."""
    parameters = {n: file[f"initial.{n}"].double().requires_grad_() for n in SHAPES}
    optimizer = make(parameters)
    history = {name: [] for name in SHAPES}
    for step in range(STEPS):
        for name, x in parameters.items():
            error = x.detach() - file[f"target.{name}"].double()
            x.grad = GRADIENT_SCALE * file[f"curvature.{name}"].double() * error
        optimizer.step(rate(step))
        for name, x in parameters.items():
            history[name].append(x.detach().clone())
    return {name: torch.stack(values) for name, values in history.items()}


def main():
    root = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "Tests" / "Golden"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    file = initial(torch.Generator().manual_seed(3))
    file["rates"] = torch.tensor([rate(step) for step in range(STEPS)])
    in_bfloat16 = run(CASES["muon"], file)
    torch_muon._zeropower_via_newtonschulz = iteration_in_float64
    for case, make in CASES.items():
        for name, values in run(make, file).items():
            assert torch.isfinite(values).all()
            file[f"{case}.{name}"] = values.float()
    # The replacement is the same iteration: only the rounding of bfloat16 lies between.
    for name in SHAPES:
        assert torch.allclose(in_bfloat16[name].float(), file[f"muon.{name}"], atol=0.02)
    save_file(file, folder / "optimizers.safetensors")


if __name__ == "__main__":
    main()
