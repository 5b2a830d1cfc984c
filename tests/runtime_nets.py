"""A network as the compiler writes them, with layers of few words, for each target."""

from __future__ import annotations

NET = """
class Affine(Module):
    def __init__(self, inputs, units):
        self.weight = Parameter((inputs, units), fan_in=inputs, axes=(1, 0))
        self.bias = Parameter((units,), fan_in=inputs, decay=False)

    def forward(self, x, training):
        if training:
            self.kept = x
        return x @ self.weight.value + self.bias.value

    def backward(self, d_y):
        self.weight.gradient[...] = self.kept.T @ d_y
        self.bias.gradient[...] = d_y.sum(axis=0)
        return d_y @ self.weight.value.T


class Dropout(Module):
    def forward(self, x, training):
        self.mask = (self.rng.random(x.shape) < 0.5).astype(x.dtype) * 2
        return x * self.mask if training else x


class Net(Network):
    def __init__(self, seed=0, dtype=np.float32):
        self.dropout1 = Dropout()
        self.affine1 = Affine(12, 10)
        self.affine2 = Affine(10, 10)
        self.prepare(seed, dtype)

    def compute(self, image, training):
        x = image.reshape(len(image), -1)
        if hasattr(self.dropout1, "rng"):
            x = self.dropout1.forward(x, training)
        return self.affine2.forward(np.tanh(self.affine1.forward(x, training)), training)

    def forward(self, image):
        return self.compute(image, False)

    def loss(self, image, digit, training=True):
        z = self.compute(image, training)
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(z))
        if training:
            self.d_z = (p - np.eye(10, dtype=p.dtype)[digit]) / len(z)
        return float(-np.mean(np.log(p[rows, digit])))

    def backward(self):
        y = self.affine2.kept
        self.affine1.backward(self.affine2.backward(self.d_z) * (1 - y * y))
        return dict(self.public_gradients)
"""
TORCH_NET = """
class Net(Network):
    def __init__(self, seed=0):
        super().__init__()
        self.dropout1 = nn.Dropout(RATE)
        self.affine1 = nn.Linear(12, 10)
        self.affine2 = nn.Linear(10, 10)
        self.draw(seed)

    def forward(self, image):
        x = self.dropout1(image.flatten(1))
        return self.affine2(torch.tanh(self.affine1(x)))

    def loss(self, image, digit, training=True):
        self.train(training)
        self.last_loss = F.cross_entropy(self(image), digit)
        return self.last_loss
"""


def net_of(target: str, dropout: bool = False) -> str:
    """Return the class of the network."""
    return NET if target == "numpy" else TORCH_NET.replace("RATE", "0.5" if dropout else "0.0")
