"""sGDML: kernel regression of forces in closed form, through the `sgdml` package.

The covariance of two forces is the Hessian of a Matérn kernel on inverse pair distances, summed over the permutations
of like atoms that the frames go through (Chmiela et al., Sci. Adv. 3, e1603015 (2017); Nat. Commun. 9, 3887 (2018)).
Forces are the exact gradient of an energy, whose constant the energy labels fix.

The package finds permutations, assembles the kernel and predicts. Two steps are done here, for they decide what a fit
costs. Of the 3A components of a frame's forces 3A - 6 change a distance: in their basis the model is the same and the
matrix smaller (3.4 times less to factorise for methanol). And cross-validation assembles one matrix per length scale:
that of a fold is a part of it, and so are its predictions.
"""
