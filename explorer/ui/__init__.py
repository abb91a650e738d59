"""The Gradio app: the control column, one module per tab, and the canvas components."""
