"""torch computes, and differentiates."""

import numpy as np
import torch


def test_a_gradient() -> None:
    x = torch.linspace(0, 3, 200, dtype=torch.float64, requires_grad=True)
    torch.sin(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(np.linspace(0, 3, 200)), atol=1e-12)


def test_a_convolution() -> None:
    image, kernel = torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3)
    assert torch.nn.functional.conv2d(image, kernel).unique().tolist() == [9.0]
