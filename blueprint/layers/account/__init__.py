"""The layers of the account: what exists once per account, or once per account and region."""
