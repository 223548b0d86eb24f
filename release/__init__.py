"""What a release consists of: wheels of the libraries, and a tarball of the formula with them."""
