"""Training: the miniature's base models, and from any base that is loaded, RLVR and fine-tuning."""
