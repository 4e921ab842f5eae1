"""Cash back: the issuer's money for points that were earned."""
