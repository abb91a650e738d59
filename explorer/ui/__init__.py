"""The app: a page of tabs over the sampler core, on Gradio."""
