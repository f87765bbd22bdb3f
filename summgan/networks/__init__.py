"""The networks (generator, reconstructor, discriminator or critics) and their parts.

Networks read and write tensors. Making tensors of text belongs to `summgan.data`, training to
`summgan.training`.
"""
