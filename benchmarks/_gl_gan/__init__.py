"""The experiments of the GL-GAN chapter, behind gl_gan.py."""
