"""The WeChat Official Account (公众号): tokens, web authorization, template messages and the events pushed back."""
