"""Lets torchvision be imported beside a torch for CPUs.

vLLM reads pictures by torchvision, whose wheels are built for CUDA. Their compiled operators cannot be
loaded here, and at its import torchvision describes two of them, which must then be known by name. Nothing
calls them: what is needed of torchvision, resizing, is written in Python.
"""

import importlib.abc
import sys


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            self.library = torch.library.Library("torchvision", "DEF")
            for operator in ("nms", "qnms"):
                self.library.define(
                    f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                )
            torch.operators_of_torchvision = self.library  # they are known for as long as it lives
        return None


sys.meta_path.insert(0, _BeforeTorchvision())
