"""What is to be run: the catalogues, the study and the cells that follow from it."""
