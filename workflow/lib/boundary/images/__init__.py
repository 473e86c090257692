"""Images: the encoded pictures of visual problems, and what they show."""
