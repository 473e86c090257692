"""What the paper claims, as statements that a study's pairs of models support, contradict or leave open."""
