"""Engines that run the network: padded pieces to logits."""
