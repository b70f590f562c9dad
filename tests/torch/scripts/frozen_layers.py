"""A trained trunk kept still, a new head trained on it: requires_grad, named_parameters, train and eval, state_dict."""

import copy

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler


class Backbone(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.fc = nn.Linear(16, num_classes)
        self.register_buffer("mean", torch.tensor([0.5]))

    def forward(self, x):
        x = self.features(x - self.mean.view(1, -1, 1, 1))
        return self.fc(torch.flatten(self.avgpool(x), 1))


model = Backbone()
for p in model.parameters():
    p.data = torch.cos(torch.arange(p.numel(), dtype=torch.float32)).reshape(p.shape) * 0.3
for param in model.parameters():
    param.requires_grad = False
num_ftrs = model.fc.in_features
model.fc = nn.Linear(num_ftrs, 2)
nn.init.constant_(model.fc.weight, 0.05)
nn.init.zeros_(model.fc.bias)
trainable = [name for name, p in model.named_parameters() if p.requires_grad]
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1, momentum=0.9)
exp_lr_scheduler = lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
x = torch.sin(torch.arange(8 * 64, dtype=torch.float32)).reshape(8, 1, 8, 8)
labels = torch.tensor([0, 1] * 4)
best_model_wts, best_acc = copy.deepcopy(model.state_dict()), 0.0
for epoch in range(6):
    for phase in ["train", "val"]:
        model.train() if phase == "train" else model.eval()
        running_loss, running_corrects = 0.0, 0
        optimizer.zero_grad()
        with torch.set_grad_enabled(phase == "train"):
            outputs = model(x)
            _, preds = torch.max(outputs, 1)
            loss = criterion(outputs, labels)
            if phase == "train":
                loss.backward()
                optimizer.step()
        running_loss += loss.item() * x.size(0)
        running_corrects += torch.sum(preds == labels.data)
        if phase == "train":
            exp_lr_scheduler.step()
        epoch_acc = running_corrects.double() / len(x)
        if phase == "val" and epoch_acc > best_acc:
            best_acc = epoch_acc
            best_model_wts = copy.deepcopy(model.state_dict())
model.load_state_dict(best_model_wts)
result = [trainable, running_loss, float(best_acc), exp_lr_scheduler.get_last_lr(), sorted(model.state_dict())]
