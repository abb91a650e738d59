"""What stands between the open internet and Gradio's server."""
