"""What constrained answers may say next: grammars compiled beside the steps, masks computed between them."""
